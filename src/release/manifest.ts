import { gunzip, gzip } from 'node:zlib'
import { promisify } from 'node:util'
import { DeliverError } from '../errors.js'
import { impliedDirectories, problemOfPath } from './paths.js'
import type { Manifest, ManifestEntry } from './release.js'

/** gzip, and not zstd: every Node that may read it has gzip, and a manifest is small. */
export const manifestFile = 'manifest.json.gz'
/** Far above any app, and it fits in memory. */
const largest = 512 * 1024 * 1024

/** The same manifest gives the same bytes on one version of zlib. */
export async function encodeManifest(manifest: Manifest): Promise<Buffer> {
  const entries = manifest.entries.map(encodeEntry)
  return promisify(gzip)(`{"version":1,"entries":[\n${entries.join(',\n')}\n]}\n`, { level: 9 })
}

/** Throws unless it is a manifest that a release can have: somebody else may have written what is in the store. */
export async function decodeManifest(bytes: Buffer): Promise<Manifest> {
  const json = await promisify(gunzip)(bytes, { maxOutputLength: largest }).catch((cause: unknown) => {
    throw invalid('it is not gzip, cut, or too large', cause)
  })
  return parseManifest(json.toString('utf8'))
}

export function parseManifest(json: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw invalid('it is not JSON', cause)
  }
  if (!isRecord(value) || value['version'] !== 1 || !Array.isArray(value['entries']))
    throw invalid('it has another form')
  const items: readonly unknown[] = value['entries']
  const entries = items.map(decodeEntry)
  return checkManifest(entries.map((entry) => ({ name: key(entry.path), entry })))
}

/** Sorts, adds the directories that are only implied, and refuses what no file system or no safe archive can hold. */
export function makeManifest(entries: readonly ManifestEntry[]): Manifest {
  const named = entries.map((entry): Named => ({ name: key(entry.path), entry }))
  const directories = new Set<string>()
  for (const { name, entry } of named) if (entry.type === 'directory') directories.add(name)
  for (const name of impliedDirectories(named.map((each) => each.name)))
    if (!directories.has(name))
      named.push({ name, entry: { type: 'directory', path: Buffer.from(name, 'latin1') } })
  return checkManifest(named.sort((a, b) => (a.name < b.name ? -1 : a.name === b.name ? 0 : 1)))
}

/** An entry, and its path with one character for each byte: texts are compared, sorted and looked up faster than bytes, and in the same order. */
interface Named {
  readonly name: string
  readonly entry: ManifestEntry
}

function checkManifest(named: readonly Named[]): Manifest {
  const kinds = new Map<string, ManifestEntry['type']>()
  let previous: string | undefined
  for (const { name, entry } of named) {
    const because = problemOfPath(name)
    if (because !== undefined) throw invalid(`path ${show(entry.path)} ${because}`)
    if (previous === name) throw invalid(`path ${show(entry.path)} is there twice`)
    if (previous !== undefined && previous > name) throw invalid(`path ${show(entry.path)} is not in order`)
    previous = name
    kinds.set(name, entry.type)
  }
  for (const name of impliedDirectories(kinds.keys())) {
    const kind = kinds.get(name)
    if (kind !== undefined && kind !== 'directory')
      throw invalid(`${show(Buffer.from(name, 'latin1'))} is a ${kind} with something below it`)
  }
  return { entries: named.map(({ entry }) => entry) }
}

function encodeEntry(entry: ManifestEntry): string {
  const { type, path } = entry
  if (type === 'directory') return JSON.stringify({ type, path: encodeBytes(path) })
  if (type === 'link')
    return JSON.stringify({ type, path: encodeBytes(path), target: encodeBytes(entry.target) })
  const { size, sha256, executable } = entry
  return JSON.stringify({
    type,
    path: encodeBytes(path),
    size,
    sha256,
    ...(executable ? { executable } : {}),
  })
}

function decodeEntry(value: unknown, index: number): ManifestEntry {
  const where = `entry ${index}`
  if (!isRecord(value)) throw invalid(`${where} is not an object`)
  const path = decodeBytes(value['path'], `${where}: path`)
  const { type, size, sha256, executable } = value
  if (type === 'directory') return { type, path }
  if (type === 'link') {
    const target = decodeBytes(value['target'], `${where}: target`)
    if (target.length === 0 || target.includes(0)) throw invalid(`${where}: target is empty or has a NUL`)
    return { type, path, target }
  }
  if (type !== 'file') throw invalid(`${where}: type`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw invalid(`${where}: size`)
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw invalid(`${where}: sha256`)
  if (executable !== undefined && typeof executable !== 'boolean') throw invalid(`${where}: executable`)
  return { type, path, size, sha256, executable: executable === true }
}

/** Text where it is text; otherwise what JSON can hold of bytes. */
function encodeBytes(bytes: Buffer): string | { base64: string } {
  const ascii = bytes.toString('latin1')
  if (/^[ -~]*$/.test(ascii)) return ascii
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }
}

function decodeBytes(value: unknown, where: string): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    // All of it is ASCII.
    if (bytes.length === value.length) return bytes
    // Half a surrogate pair is no text, and would become something else.
    if (bytes.toString('utf8') === value) return bytes
  }
  const base64 = isRecord(value) ? value['base64'] : undefined
  if (typeof base64 !== 'string') throw invalid(`${where} is neither text nor base64`)
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw invalid(`${where} is not base64`)
  return bytes
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function key(path: Buffer): string {
  return path.toString('latin1')
}

function show(path: Buffer): string {
  return JSON.stringify(path.toString('utf8'))
}

function invalid(because: string, cause?: unknown): DeliverError {
  return new DeliverError('failed', `the manifest of the release is not valid: ${because}`, {
    fix: 'Publish the release again under a new name.',
    cause,
  })
}
