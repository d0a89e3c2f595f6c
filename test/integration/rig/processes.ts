import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that can't be mistaken for a later one with the same pid. */
export interface ProcessId {
  readonly pid: number
  /** Clock ticks since boot at which it started (field 22 of /proc/PID/stat). */
  readonly started: string
}

export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  // The name in parentheses may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const started = fields[19]
  return fields[0] === 'Z' || started === undefined ? undefined : { pid, started }
}

export async function isAlive(process: ProcessId): Promise<boolean> {
  return (await identify(process.pid))?.started === process.started
}

/** SIGKILL, and waits until it is gone. Only that process, never a later one that got its pid. */
export async function killAndWait(target: ProcessId): Promise<void> {
  const deadline = Date.now() + 10_000
  while (await isAlive(target)) {
    if (Date.now() > deadline) throw new Error(`process ${target.pid} survived SIGKILL`)
    signal(target.pid, 'SIGKILL')
    await sleep(20)
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/**
 * Ends a container by its init: every process in it goes too, and nspawn ends by itself. Killed first, nspawn would leave the
 * container behind. Its children are asked again each time, because the first ones only prepare the container.
 */
export async function killContainer(nspawn: ProcessId): Promise<void> {
  const deadline = Date.now() + 10_000
  while ((await isAlive(nspawn)) && Date.now() < deadline) {
    for (const child of await childrenOf(nspawn.pid)) signal(child, 'SIGKILL')
    await sleep(20)
  }
  await killAndWait(nspawn)
}

/** Every process that lives in the PID namespace whose init is `init`. */
export async function processesOf(init: number): Promise<readonly number[]> {
  const namespace = await readlink(`/proc/${init}/ns/pid`)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const inside: number[] = []
  for (const pid of pids) {
    const theirs = await readlink(`/proc/${pid}/ns/pid`).catch(() => undefined)
    if (theirs === namespace) inside.push(pid)
  }
  return inside
}

export async function writeProcessFile(file: string, target: ProcessId): Promise<void> {
  await writeFile(file, JSON.stringify(target))
}

export async function readProcessFile(file: string): Promise<ProcessId | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const match = /^\{"pid":(\d+),"started":"(\d+)"\}$/.exec(text)
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { pid: Number(match[1]), started: match[2] }
}
