import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { DeliverError } from '../errors.js'
import { decodeManifest } from '../release/manifest.js'
import type { ArchiveFormat, Manifest, ManifestEntry, ReleaseRecord } from '../release/release.js'
import { readFields, sha256 } from '../store/json.js'
import { parseRelease } from '../store/releases.js'
import { archiveFiles, partsSuffix } from './archive-files.js'
import type { ArchivePart } from './archive-parts.js'

/** Where a part is in an archive, compressed. */
export interface PlacedPart {
  readonly path: string
  readonly tree: string
  readonly offset: number
  readonly size: number
  /** Of these bytes. */
  readonly sha256: string
  /** Bytes of its tar members. */
  readonly tarSize: number
}

/** How parts are compressed; those of another way are not the same bytes. */
export interface Packing {
  readonly format: ArchiveFormat
  readonly level: number
}

/** The parts of an archive that was made before, and what they unpack to. */
export interface KnownParts {
  readonly archive: string
  placeOf(part: ArchivePart): PlacedPart | undefined
  entriesOf(part: ArchivePart): readonly ManifestEntry[]
}

/** Beside the archive, with which it goes when builds are cleaned. */
export function encodeParts(record: ReleaseRecord, level: number, parts: readonly PlacedPart[]): Buffer {
  const { archive, manifest } = record
  const known = { version: 1, level, archive: archive.sha256, manifest: manifest.sha256, parts }
  return Buffer.from(`${JSON.stringify(known)}\n`)
}

/**
 * The archive in a directory that most of these parts can be copied from. Its manifest is what its record says; the parts themselves are
 * verified when they are copied. What can't be read counts as not there.
 */
export async function findKnownParts(
  { directory, app }: { readonly directory: string; readonly app: string },
  packing: Packing,
  wanted: readonly ArchivePart[],
): Promise<KnownParts | undefined> {
  if (wanted.length === 0) return undefined
  const names = await readdir(directory).catch(() => [])
  const found: { at: Place; bytes: number }[] = []
  for (const name of names.filter((each) => each.endsWith(partsSuffix))) {
    const release = name.slice(0, -partsSuffix.length)
    const at = await readPlace({ directory, app, release }, packing)
    if (at === undefined) continue
    const bytes = wanted.reduce((sum, part) => sum + (at.parts.get(keyOf(part))?.size ?? 0), 0)
    if (bytes > 0) found.push({ at, bytes })
  }
  for (const { at } of found.sort((a, b) => b.bytes - a.bytes)) {
    const manifest = await readManifest(at)
    if (manifest === undefined) continue
    const entries = entriesByTop(manifest, new Set(wanted.map(({ path }) => path)))
    return {
      archive: at.files.archive,
      placeOf: (part) => at.parts.get(keyOf(part)),
      entriesOf: (part) =>
        part.items.flatMap(
          ({ name }) => entries.get(`${latin1(part.path)}/${name.toString('latin1')}`) ?? [],
        ),
    }
  }
  return undefined
}

interface Place {
  readonly files: ReturnType<typeof archiveFiles>
  readonly record: ReleaseRecord
  readonly parts: ReadonlyMap<string, PlacedPart>
}

async function readPlace(
  { directory, app, release }: { readonly directory: string; readonly app: string; readonly release: string },
  { format, level }: Packing,
): Promise<Place | undefined> {
  const files = archiveFiles(directory, release, format)
  try {
    const record = parseRelease(files.record, await readFile(files.record, 'utf8'), { app, release })
    const fields = readFields(files.parts, await readFile(files.parts, 'utf8'))
    const isOfArchive =
      fields.count('level') === level &&
      record.archive.format === format &&
      fields.text('archive', sha256) === record.archive.sha256 &&
      fields.text('manifest', sha256) === record.manifest.sha256
    if (!isOfArchive) return undefined
    const parts = fields.objects('parts').map((part) => ({
      path: part.text('path'),
      tree: part.text('tree'),
      offset: part.count('offset'),
      size: part.count('size'),
      sha256: part.text('sha256', sha256),
      tarSize: part.count('tarSize'),
    }))
    return { files, record, parts: new Map(parts.map((part) => [keyOf(part), part])) }
  } catch (error) {
    if (error instanceof DeliverError || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}

async function readManifest({ files, record }: Place): Promise<Manifest | undefined> {
  const bytes = await readFile(files.manifest).catch(() => undefined)
  if (bytes === undefined || sha256Of(bytes) !== record.manifest.sha256) return undefined
  return decodeManifest(bytes).catch(() => undefined)
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function keyOf({ path, tree }: { readonly path: string; readonly tree: string }): string {
  return `${tree} ${path}`
}

/** By the first name below one of the paths. */
function entriesByTop(
  { entries }: Manifest,
  paths: ReadonlySet<string>,
): ReadonlyMap<string, readonly ManifestEntry[]> {
  const leads = [...paths].map((path) => `${latin1(path)}/`)
  const found = new Map<string, ManifestEntry[]>()
  for (const entry of entries) {
    const path = entry.path.toString('latin1')
    const lead = leads.find((each) => path.startsWith(each))
    if (lead === undefined) continue
    const end = path.indexOf('/', lead.length)
    const top = end === -1 ? path : path.slice(0, end)
    const group = found.get(top)
    if (group === undefined) found.set(top, [entry])
    else group.push(entry)
  }
  return found
}

/** One character for each byte, as in other keys. */
function latin1(path: string): string {
  return Buffer.from(path).toString('latin1')
}
