import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredKey } from '../../ports.js'
import { unless } from './errno.js'

/** Directories looked at together: a listing over NFS is a round trip each. */
const together = 16

const keyPart = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** Everything below the root whose key starts with the prefix, sorted. What can't be a key is not ours, and skipped. */
export async function walk(root: string, prefix: string): Promise<readonly StoredKey[]> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const found: StoredKey[] = []
  await visit({ root, prefix, found }, start, [])
  return found.sort((a, b) => (a.key < b.key ? -1 : 1))
}

interface Walk {
  readonly root: string
  readonly prefix: string
  readonly found: StoredKey[]
}

/** `above`: the directories that we came through, so that a link to one of them ends the way. */
async function visit(walk: Walk, directory: string, above: readonly string[]): Promise<void> {
  const path = join(walk.root, directory)
  const gone = ['ENOENT', 'ENOTDIR']
  const self = await unless(gone, stat(path, { bigint: true }))
  const id = self === undefined ? '' : `${self.dev}:${self.ino}`
  if (self === undefined || above.includes(id)) return
  const entries = (await unless(gone, readdir(path, { withFileTypes: true }))) ?? []
  const wanted = entries.filter((entry) => matches(walk.prefix, directory + entry.name, entry))
  for (let i = 0; i < wanted.length; i += together) {
    const group = wanted
      .slice(i, i + together)
      .map((entry) => visitEntry(walk, directory, entry, [...above, id]))
    await Promise.all(group)
  }
}

async function visitEntry(
  walk: Walk,
  directory: string,
  entry: Dirent,
  above: readonly string[],
): Promise<void> {
  const key = directory + entry.name
  const status = await unless(['ENOENT', 'ELOOP'], stat(join(walk.root, key)))
  if (status?.isDirectory() === true) return visit(walk, `${key}/`, above)
  if (status?.isFile() !== true || !key.startsWith(walk.prefix)) return
  walk.found.push({ key, modifiedAt: Math.floor(status.mtimeMs) })
}

function matches(prefix: string, key: string, entry: Dirent): boolean {
  if (!keyPart.test(entry.name) || entry.name.includes('..')) return false
  return key.startsWith(prefix) || prefix.startsWith(`${key}/`)
}
