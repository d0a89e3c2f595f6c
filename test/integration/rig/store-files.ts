import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A directory store as it lies on disk, read without the program that wrote it. */
export interface StoreFiles {
  readonly directory: string
  readonly app: string
  readonly environment: string
}

export async function readJson(file: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (!existsSync(file)) return undefined
  const value: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (typeof value !== 'object' || value === null) throw new Error(`${file} is no JSON object`)
  return { ...value }
}

export function readPointer(store: StoreFiles) {
  return readJson(join(store.directory, store.app, store.environment, 'current.json'))
}

export function readLock(store: StoreFiles) {
  return readJson(join(store.directory, store.app, store.environment, 'lock.json'))
}

/** The archive of a release; undefined when the store doesn't have the release. */
export async function archiveOf(store: StoreFiles, release: string): Promise<string | undefined> {
  const directory = join(store.directory, store.app, 'releases', release)
  if (!existsSync(join(directory, 'release.json'))) return undefined
  const archive = (await readdir(directory)).find((file) => file.startsWith('archive.'))
  return archive === undefined ? undefined : join(directory, archive)
}

/** What is wrong with a published release, as far as its own record tells. */
export async function brokenBodies(store: StoreFiles, release: string): Promise<readonly string[]> {
  const archive = await archiveOf(store, release)
  if (archive === undefined) return [`store: ${release} is not published`]
  const record = await readJson(join(archive, '../release.json'))
  const recorded = digestIn(record?.['archive'])
  const hash = createHash('sha256')
  await pipeline(createReadStream(archive), hash)
  const actual = hash.digest('hex')
  return actual === recorded ? [] : [`store: the archive of ${release} has sha256 ${actual}, not ${recorded}`]
}

function digestIn(body: unknown): string {
  return typeof body === 'object' && body !== null && 'sha256' in body ? String(body.sha256) : 'none'
}
