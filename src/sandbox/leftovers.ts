import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { marker } from './host-directory.js'

/**
 * Kills what a sandbox's commands left in the background: guards that wait, daemons of a deploy. They are found by the
 * marker in their environment, which /proc shows; where there is none (macOS), they are left to end by themselves.
 */
export async function killLeftovers(directory: string): Promise<void> {
  // A process may start another between the listing and its end, hence the rounds.
  for (let round = 0; round < 50; round++) {
    const pids = await findMarked(`${marker}=${directory}`)
    if (pids.length === 0) return
    for (const pid of pids) kill(pid)
    await sleep(20)
  }
}

/** Process ids with that exact entry in their environment. Zombies have no environment. */
async function findMarked(entry: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      return environment.split('\0').includes(entry)
    }),
  )
  return pids.filter((pid, index) => marked[index] === true && pid !== process.pid)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
