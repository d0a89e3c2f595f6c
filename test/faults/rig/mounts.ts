import { mkdirSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { command, mustRun } from '../../integration/rig/command.js'
import { eventually } from '../../sandbox/scratch.js'

/** Mounts that are gone after the test, whatever happened. Returns what takes one away before. */
export async function mounted(path: string, ...args: readonly string[]): Promise<() => Promise<void>> {
  mkdirSync(path, { recursive: true })
  await mustRun('mount', [...args, path])
  let there = true
  const unmount = async (): Promise<void> => {
    if (!there) return
    there = false
    // Lazily: the app of the release may have its directory there.
    await mustRun('umount', ['-l', path])
  }
  onTestFinished(unmount)
  return unmount
}

/** A file system in memory of that size, e.g. `size=300k` or `nr_inodes=20`. */
export const small = (path: string, size: string): Promise<() => Promise<void>> =>
  mounted(path, '-t', 'tmpfs', '-o', size, 'tmpfs')

/** What is there, and can't be written. */
export async function readOnly(path: string): Promise<() => Promise<void>> {
  const unmount = await mounted(path, '--bind', path)
  // What a host begins in the background after a deploy may be writing there; the mount is busy until it has ended.
  await eventually('nothing writes there', async () => {
    const { code } = await command('mount', ['-o', 'remount,ro,bind', path])
    return code === 0
  })
  return unmount
}

/** Nobody may add, remove or rename anything in it, root neither. */
export async function immutable(path: string): Promise<() => Promise<void>> {
  await mustRun('chattr', ['+i', path])
  let set = true
  const undo = async (): Promise<void> => {
    if (set) await mustRun('chattr', ['-i', path])
    set = false
  }
  onTestFinished(undo)
  return undo
}
