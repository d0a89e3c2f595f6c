import { mkdtempSync, writeFileSync } from 'node:fs'
import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeadProcess, thisMachine } from '../../machine.js'

const prefix = 'dlv-'
/** A socket's path may have 104 bytes (108 on Linux), and ssh binds it under a name that is 17 longer, below ours. */
const longestBase = 50

/** Where sockets may lie: the system's temporary directory, unless its name is too long for them. */
export function controlBase(temporary: string = tmpdir()): string {
  return Buffer.byteLength(temporary) <= longestBase ? temporary : '/tmp'
}

/** A new directory that only this user can enter, with a note of who made it. */
export function makeControlDirectory(base: string): string {
  const directory = mkdtempSync(join(base, prefix))
  const { pid, machine } = thisMachine()
  writeFileSync(join(directory, 'owner'), JSON.stringify({ pid, machine }), { mode: 0o600 })
  return directory
}

/**
 * Removes the directories of runs that were killed. Their masters end by themselves: nobody is connected to them any more.
 * Only directories of this user that say whose they were; never rejects.
 */
export async function sweepControlDirectories(base: string): Promise<void> {
  const names = await readdir(base).catch(() => [])
  const ours = names.filter((name) => /^dlv-[A-Za-z0-9]{6}$/.test(name)).map((name) => join(base, name))
  await Promise.all(
    ours.map(async (directory) => {
      if (await isLeftover(directory)) await rm(directory, { recursive: true, force: true })
    }),
  ).catch(() => undefined)
}

async function isLeftover(directory: string): Promise<boolean> {
  try {
    const found = await lstat(directory)
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return false
    const owner: unknown = JSON.parse(await readFile(join(directory, 'owner'), 'utf8'))
    if (typeof owner !== 'object' || owner === null) return false
    if (!('pid' in owner) || !('machine' in owner)) return false
    const { pid, machine } = owner
    return typeof pid === 'number' && typeof machine === 'string' && isDeadProcess({ pid, machine })
  } catch {
    return false
  }
}
