import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf, identify, isAlive, signal, type ProcessId } from './processes.js'

/** Ms for all of it: what Jenkins calls SoftKillWaitSeconds. */
const patience = 5_000

/**
 * Aborts a build as Jenkins does on Unix: every process whose environment has the build's cookie gets SIGTERM, children before
 * their parents, each waited for as long as the five seconds for all of them last. Nothing is killed harder.
 */
export async function abortAsJenkins(cookie: string): Promise<void> {
  const deadline = Date.now() + patience
  for (const pid of await processesWith(cookie)) await endWithChildren(pid, deadline)
}

async function processesWith(cookie: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found: number[] = []
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (environment.split('\0').includes(cookie)) found.push(pid)
  }
  return found
}

async function endWithChildren(pid: number, deadline: number): Promise<void> {
  for (const child of await childrenOf(pid)) await endWithChildren(child, deadline)
  const target = await identify(pid)
  if (target === undefined) return
  signal(pid, 'SIGTERM')
  await goneBy(target, deadline)
}

async function goneBy(target: ProcessId, deadline: number): Promise<void> {
  while (Date.now() < deadline && (await isAlive(target))) await sleep(50)
}
