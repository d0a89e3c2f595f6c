import { readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileSystemTime, temporaryPrefix } from './durable-file.js'

const day = 86_400_000

/**
 * Removes what writers that died left behind, in this directory and those beside it (a release that is never published
 * again has its own). A file that is still written to is never a day old. Best effort: it must not fail a publish.
 */
export async function sweepTemporaries(directory: string): Promise<void> {
  const now = await fileSystemTime(directory).catch(() => undefined)
  if (now === undefined) return
  const parent = dirname(directory)
  const beside = await readdir(parent, { withFileTypes: true }).catch(() => [])
  const others = beside.filter((entry) => entry.isDirectory()).map((entry) => join(parent, entry.name))
  for (const each of new Set([directory, ...others])) await sweepOne(each, now)
}

async function sweepOne(directory: string, now: number): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((each) => each.startsWith(temporaryPrefix))) {
    const path = join(directory, name)
    const status = await stat(path).catch(() => undefined)
    if (status?.isFile() === true && now - status.mtimeMs > day) await unlink(path).catch(() => undefined)
  }
}
