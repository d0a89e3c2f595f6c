import { mkdir, readFile, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Store, StoredDocument } from '../../ports.js'
import { fileSystemTime, replaceDurably } from './durable-file.js'
import { unless } from './errno.js'
import {
  appendVersion,
  latestVersion,
  removeOldVersions,
  startVersions,
  tokenOf,
  type Version,
  type VersionPlace,
} from './versions.js'

/** Where the versions of the document at this path are. `path` itself is a copy for people and boot scripts. */
export const placeOf = (path: string): VersionPlace => ({
  directory: join(dirname(path), '.versions'),
  name: basename(path),
})

export async function readDocument(path: string): Promise<StoredDocument | undefined> {
  const place = placeOf(path)
  // Before the read, so that an age is rather too small than too large.
  const time = await unless(['ENOENT'], fileSystemTime(place.directory))
  const version = await current(path)
  if (version === undefined || version.text === '') return undefined
  // Best effort: whoever may only read can't repair the copy.
  await refreshCopy(path).catch(() => undefined)
  const modifiedAt = Number(version.mtimeNs / 1_000_000n)
  return {
    text: version.text,
    version: tokenOf(version),
    modifiedAt,
    now: time ?? Math.max(Date.now(), modifiedAt),
  }
}

/** The directory of `path` and its `.versions` exist. */
export async function writeDocument(
  path: string,
  text: string,
  expected: string | undefined,
): ReturnType<Store['writeDocument']> {
  const place = placeOf(path)
  if ((await current(path)) === undefined) await startVersions(place, 0, '')
  // Read again: from here on there is a version that the next one builds on.
  const base = await latestVersion(place)
  if (base === undefined || (base.text === '' ? undefined : tokenOf(base)) !== expected)
    return { outcome: 'conflict' }
  const written = await appendVersion(place, base, text)
  if (written === 'taken') return { outcome: 'conflict' }
  // It is written. What fails from here on is made up for by whoever reads or writes next.
  await refreshCopy(path).catch(() => undefined)
  await removeOldVersions(place, written).catch(() => undefined)
  return { outcome: 'written', version: tokenOf(written) }
}

/** False when there are no versions at this path: what is there may be an object. */
export async function removeDocument(path: string): Promise<boolean> {
  const place = placeOf(path)
  for (;;) {
    const base = await latestVersion(place)
    if (base === undefined) return false
    if (base.text === '' || (await appendVersion(place, base, '')) !== 'taken') break
  }
  await refreshCopy(path)
  return true
}

/** The latest version. A copy without versions (put there by hand, or from a backup) becomes the first. */
async function current(path: string): Promise<Version | undefined> {
  const place = placeOf(path)
  const version = await latestVersion(place)
  if (version !== undefined) return version
  const copy = await readCopy(path)
  if (copy === undefined || copy === '') return undefined
  const readOnly = ['EROFS', 'EACCES', 'EPERM']
  await unless([...readOnly, 'EEXIST'], mkdir(place.directory))
  const adopting = startVersions(place, 1, copy).then(() => latestVersion(place))
  return (await unless([...readOnly, 'ENOENT'], adopting)) ?? { n: 1, text: copy, mtimeNs: 0n }
}

/**
 * Brings the copy up to the latest version. Renames of several writers may come in any order, so each looks again after
 * its own; a writer that dies between version and copy is made up for by the next reader.
 */
async function refreshCopy(path: string): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const text = (await latestVersion(placeOf(path)))?.text ?? ''
    if (((await readCopy(path)) ?? '') === text) return
    if (text === '') await unless(['ENOENT'], unlink(path))
    else await replaceDurably(path, Buffer.from(text))
  }
}

async function readCopy(path: string): Promise<string | undefined> {
  return unless(['ENOENT'], readFile(path, 'utf8'))
}
