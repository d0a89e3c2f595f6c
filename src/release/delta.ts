import { listingRecords } from './listing.js'
import type { Manifest, ManifestEntry, ReleaseRecord } from './release.js'

/** How a host that has one release comes to another: what is sent, what is linked, and how the listing changes. */
export interface Delta {
  /**
   * NUL-terminated records for the agent (agent/63-delta.sh): `-RECORD` and `+RECORD` of the listing's sections D, F and X,
   * `>./path` of the base that something is linked to, and `~` when the symlinks are the base's, else `=RECORD` for all of them.
   */
  readonly patch: Buffer
  /** Paths of the next release whose entries are sent, one character per byte. */
  readonly send: ReadonlySet<string>
  /** Content that the base has under another path. */
  readonly links: readonly { readonly from: Buffer; readonly to: Buffer }[]
  /**
   * Files of the base that the release hasn't, or not like this, in the order of their sha256 and paths, which is the one in which the agent
   * reads them: what is sent may be told as differences from them. Undefined when one is at or below a shared path: what the
   * host has there is its own.
   */
  readonly replaced: readonly ManifestFile[] | undefined
  /** Bytes of the files that are sent. */
  readonly bytes: number
  /** Entries of the next release. */
  readonly entries: number
}

/**
 * Everything that a release needs and its base lacks. Shared paths are links on the host, so that the base has nothing at or
 * below them. The same manifests give the same delta.
 */
export function planDelta(base: Manifest, next: Manifest, shared: readonly string[]): Delta {
  const isShared = sharedTest(shared)
  const had = new Map(
    base.entries.filter(({ path }) => !isShared(text(path))).map((entry) => [text(entry.path), entry]),
  )
  const wanted = new Map(next.entries.map((entry) => [text(entry.path), entry]))
  const stays = (path: string): boolean => isSame(had.get(path), wanted.get(path))
  const sources = contentOf([...had.values()], (path) => mayBeLinked(path, wanted, stays))
  const send = new Set<string>()
  const links: { from: Buffer; to: Buffer }[] = []
  let bytes = 0
  for (const [path, entry] of wanted) {
    if (stays(path)) continue
    const from = entry.type === 'file' && entry.size > 0 ? sources.get(contentKey(entry)) : undefined
    if (from !== undefined) links.push({ from, to: entry.path })
    else {
      send.add(path)
      bytes += entry.type === 'file' ? entry.size : 0
    }
  }
  const patch = patchOf(base, next, links)
  return { patch, send, links, replaced: replacedBy(patch, had), bytes, entries: next.entries.length }
}

/** Compressed bytes that a host will be sent, by the ratio of the whole archive; without a delta, that archive. */
export function estimateStage(record: ReleaseRecord, delta?: Delta): number {
  if (delta === undefined || record.tar.size === 0) return record.archive.size
  const headers = (delta.send.size + delta.links.length) * 64
  return Math.round(delta.bytes * (record.archive.size / record.tar.size) + headers + delta.patch.length / 3)
}

export type ManifestFile = Extract<ManifestEntry, { type: 'file' }>

function text(path: Buffer): string {
  return path.toString('latin1')
}

function sharedTest(shared: readonly string[]): (path: string) => boolean {
  const tops = shared.map((path) => text(Buffer.from(path.replace(/\/+$/, ''))))
  return (path) => tops.some((top) => path === top || path.startsWith(`${top}/`))
}

function isSame(a: ManifestEntry | undefined, b: ManifestEntry | undefined): boolean {
  if (a === undefined || b === undefined) return false
  if (a.type === 'file' && b.type === 'file') return a.sha256 === b.sha256 && a.executable === b.executable
  if (a.type === 'link' && b.type === 'link') return a.target.equals(b.target)
  return a.type === b.type
}

/**
 * A path that is linked from must be there while the tar is unpacked: it stays as it is, or goes altogether. What
 * takes the place of one of its directories would find it in the way.
 */
function mayBeLinked(
  path: string,
  wanted: ReadonlyMap<string, ManifestEntry>,
  stays: (path: string) => boolean,
): boolean {
  if (stays(path)) return true
  if (wanted.has(path)) return false
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const above = wanted.get(path.slice(0, slash))
    if (above !== undefined) return above.type === 'directory'
  }
  return true
}

/** The first path of each content and mode. */
function contentOf(
  entries: readonly ManifestEntry[],
  isFit: (path: string) => boolean,
): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const entry of entries) {
    if (entry.type !== 'file') continue
    const key = contentKey(entry)
    if (!found.has(key) && isFit(text(entry.path))) found.set(key, entry.path)
  }
  return found
}

function contentKey({ sha256, executable }: ManifestFile): string {
  return executable ? `${sha256}x` : sha256
}

function patchOf(base: Manifest, next: Manifest, links: readonly { readonly from: Buffer }[]): Buffer {
  const before = sectionsOf(base)
  const after = sectionsOf(next)
  const records: string[] = []
  for (const record of before.tree) if (!after.tree.has(record)) records.push(`-${record}`)
  for (const record of after.tree) if (!before.tree.has(record)) records.push(`+${record}`)
  for (const from of new Set(links.map((link) => text(link.from)))) records.push(`>./${from}\0`)
  if (before.links.join('') === after.links.join('')) records.push('~\0')
  else records.push(...after.links.map((record) => `=${record}`))
  return Buffer.from(records.join(''), 'latin1')
}

function replacedBy(
  patch: Buffer,
  had: ReadonlyMap<string, ManifestEntry>,
): readonly ManifestFile[] | undefined {
  const removed = text(patch)
    .split('\0')
    .filter((record) => record.startsWith('-F '))
    .sort()
  const files = removed.map((record) => had.get(record.slice(pathInRecord)))
  return files.every((entry) => entry?.type === 'file') ? files : undefined
}

/** In `-F SHA256  ./path`. */
const pathInRecord = '-F '.length + 64 + '  ./'.length

function sectionsOf(manifest: Manifest): {
  readonly tree: ReadonlySet<string>
  readonly links: readonly string[]
} {
  const tree = new Set<string>()
  const links: string[] = []
  for (const line of listingRecords(manifest)) {
    if (/^[DFX] /.test(line)) tree.add(line)
    else links.push(line)
  }
  return { tree, links }
}
