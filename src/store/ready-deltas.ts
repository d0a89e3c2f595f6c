import type { Store } from '../ports.js'
import type { Body, ReleaseRecord } from '../release/release.js'
import { readFields, readText, sha256 } from './json.js'
import { readyDeltaKeys } from './layout.js'

/** A delta that was made when its release was published, for hosts that have one release, staged with these shared paths. */
export interface ReadyDelta extends Body {
  readonly base: { readonly release: string; readonly digest: string }
  readonly shared: readonly string[]
  /** `zstd-patch`: the tar is told as differences from files of the base (`zstd --patch-from`). */
  readonly encoding: 'zstd' | 'gzip' | 'zstd-patch'
  /** The first so many bytes are the patch. */
  readonly patchSize: number
  /** Entries that the base lacks, of all. */
  readonly sent: number
  readonly entries: number
}

export interface ReadyDeltaFor {
  readonly record: ReleaseRecord
  /** sha256 of the listing of the base. */
  readonly baseDigest: string
  readonly shared: readonly string[]
}

/** Undefined when none was made, or what is there is of another release. */
export async function findReadyDelta(
  store: Store,
  wanted: ReadyDeltaFor,
): Promise<(ReadyDelta & { readonly key: string }) | undefined> {
  const keys = keysFor(wanted)
  const text = await readText(store, keys.record)
  if (text === undefined) return undefined
  const fields = readFields(keys.record, text)
  const base = fields.object('base')
  const found = {
    base: { release: base.text('release'), digest: base.text('digest', sha256) },
    shared: fields.texts('shared'),
    encoding: encodingOf(fields.text('encoding', /^(zstd|gzip|zstd-patch)$/)),
    size: fields.count('size'),
    sha256: fields.text('sha256', sha256),
    patchSize: fields.count('patchSize'),
    sent: fields.count('sent'),
    entries: fields.count('entries'),
  }
  const isOurs =
    fields.text('digest') === wanted.record.manifest.digest &&
    found.base.digest === wanted.baseDigest &&
    found.shared.join('\n') === wanted.shared.join('\n')
  return isOurs ? { ...found, key: keys.body } : undefined
}

function encodingOf(text: string): ReadyDelta['encoding'] {
  return text === 'zstd-patch' || text === 'zstd' ? text : 'gzip'
}

/** The body first: with the record the delta exists. */
export async function keepReadyDelta(
  store: Store,
  record: ReleaseRecord,
  delta: ReadyDelta,
  body: Buffer,
): Promise<void> {
  const keys = keysFor({ record, baseDigest: delta.base.digest, shared: delta.shared })
  if ((await store.create(keys.body, body)) === 'exists') return
  const text = JSON.stringify({ version: 1, digest: record.manifest.digest, ...delta })
  await store.create(keys.record, Buffer.from(`${text}\n`))
}

function keysFor({ record, baseDigest, shared }: ReadyDeltaFor): ReturnType<typeof readyDeltaKeys> {
  return readyDeltaKeys(record.app, record.release, { baseDigest, shared })
}
