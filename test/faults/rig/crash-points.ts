import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Finished } from '../../integration/rig/deliver.js'
import type { Ground } from './ground.js'

/** System calls that change what others see of a disk. */
export const visible = ['rename', 'unlink', 'symlink', 'link', 'mkdir', 'fsync', 'rmdir'] as const
export type Visible = (typeof visible)[number]

const names: Readonly<Record<Visible, string>> = {
  rename: 'rename,renameat,renameat2',
  unlink: 'unlink,unlinkat',
  symlink: 'symlink,symlinkat',
  link: 'link,linkat',
  mkdir: 'mkdir,mkdirat',
  fsync: 'fsync,fdatasync',
  rmdir: 'rmdir',
}

export interface Crash {
  readonly call: Visible
  /** From 1: how many times a thread got to make the call. */
  readonly at: number
}

/**
 * Runs the program with a SIGKILL right before its n-th such call (its children count for themselves, and are killed alone).
 * One thread does all file work, so that n is one order. `killed`: whether the run got so far.
 */
export async function crashAt(
  ground: Ground,
  { call, at }: Crash,
  args: readonly string[],
): Promise<{ readonly killed: boolean; readonly finished: Finished }> {
  const directory = mkdtempSync(join(tmpdir(), 'crash-'))
  const trace = join(directory, 'trace')
  try {
    const tracer = [
      ...['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-f', '-qq', '-o', trace],
      ...['-e', `trace=${names[call]}`, '-e', `inject=${names[call]}:signal=KILL:when=${at}`],
    ]
    const finished = await ground.under(tracer, ...args).finished
    return { killed: /killed by SIGKILL/.test(readFileSync(trace, 'latin1')), finished }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
