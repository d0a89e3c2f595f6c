import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { DeliverError } from '../errors.js'
import type { CreateOptions, Store } from '../ports.js'
import { listingBytes } from '../release/listing.js'
import { decodeManifest } from '../release/manifest.js'
import type { Body, ReleaseRecord } from '../release/release.js'
import type { Reporter } from '../report/events.js'
import { ensureListing } from '../store/boot-files.js'
import { releaseStatement } from '../release/statement.js'
import { releaseKeys } from '../store/layout.js'
import { readRelease } from '../store/releases.js'
import { readSignature, writeSignature } from '../store/signatures.js'
import { encodeRecord } from './archive.js'
import { type ArchiveFiles, bodyOf } from './archive-files.js'

export interface PublishRequest {
  readonly store: Store
  readonly reporter: Reporter
  readonly record: ReleaseRecord
  readonly files: ArchiveFiles
  /** As archiveRelease gives it; undefined: it is made from the manifest. */
  readonly listing?: Buffer | undefined
  readonly signal?: AbortSignal | undefined
  /** Signs the release's statement; undefined: it is not signed. */
  readonly sign?: ((statement: string) => Promise<string>) | undefined
}

export interface PublishResult {
  readonly outcome: 'published' | 'unchanged'
  /** What the store has: not our record, if an equal tree was compressed elsewhere before. */
  readonly record: ReleaseRecord
}

/** Uploads archive and manifest, and then the record, with which the release exists. Nothing that is there is ever replaced. */
export async function publishRelease(request: PublishRequest): Promise<PublishResult> {
  const { store, record, files, reporter, signal } = request
  const published = await readRelease(store, record.app, record.release)
  if (published !== undefined) return unchanged(request, published)
  const keys = releaseKeys(record.app, record.release, {
    format: record.archive.format,
    manifestFile: record.manifest.file,
  })
  await checkLocal(files.archive, record.archive)
  await checkLocal(files.manifest, record.manifest)
  // A key that can't sign fails before anything is sent.
  const signature = await request.sign?.(releaseStatement(record))
  const { archive, manifest } = record
  const listing = async (): Promise<Buffer> =>
    request.listing ?? listingBytes(await decodeManifest(await readFile(files.manifest)))
  const putFiles = async (): Promise<void> => {
    await upload(store, keys.archive, files.archive, archive, {
      signal,
      onProgress: (done) => reporter.event({ type: 'progress', step: 'publish', done, total: archive.size }),
    })
    await upload(store, keys.manifest, files.manifest, manifest, { signal })
    await ensureListing(store, record, await listing(), signal)
  }
  await putFiles()
  if (signature !== undefined) await writeSignature(store, record, signature)
  if ((await store.create(keys.record, encodeRecord(record), { signal })) === 'created') {
    // Files of an earlier publish that never ended: a prune may have been removing them while there was no record.
    const sizes = [keys.archive, keys.manifest, keys.listing].map((key) => store.size(key))
    if ((await Promise.all(sizes)).includes(undefined)) await putFiles()
    return { outcome: 'published', record }
  }
  // Somebody else was as far as we were.
  const theirs = await readRelease(store, record.app, record.release)
  if (theirs === undefined) {
    throw new DeliverError('failed', `${store.name}: ${keys.record} was there, and is gone`, {
      fix: 'Publish again.',
    })
  }
  return unchanged(request, theirs)
}

/** What is there already is signed when it is ours to the last byte: nobody else's work is vouched for. */
async function unchanged(
  { store, record, reporter, sign }: PublishRequest,
  theirs: ReleaseRecord,
): Promise<PublishResult> {
  const same = sameRelease(store, record, theirs, reporter)
  if (sign === undefined || (await readSignature(store, same)) !== undefined)
    return { outcome: 'unchanged', record: same }
  if (releaseStatement(same) !== releaseStatement(record))
    throw new DeliverError(
      'precondition',
      `${store.name}: release ${record.release} was published elsewhere, without a signature`,
      {
        fix: 'Build it under a new name: only what was built here is signed here.',
      },
    )
  await writeSignature(store, same, await sign(releaseStatement(same)))
  return { outcome: 'unchanged', record: same }
}

function sameRelease(
  store: Store,
  ours: ReleaseRecord,
  theirs: ReleaseRecord,
  reporter: Reporter,
): ReleaseRecord {
  if (isDeepStrictEqual(ours, theirs)) return theirs
  // Other versions of a compressor give other bytes for the same tree.
  if (ours.commit === theirs.commit && ours.manifest.digest === theirs.manifest.digest) {
    checkMarks(store, ours, theirs)
    if (ours.archive.sha256 === theirs.archive.sha256) return theirs
    const text = `${store.name} has release ${ours.release} with the same tree, compressed elsewhere; that one stays`
    reporter.event({ type: 'note', text })
    return theirs
  }
  throw new DeliverError(
    'precondition',
    `${store.name}: release ${ours.release} is published with another tree (commit ${theirs.commit.slice(0, 12)}, not ${ours.commit.slice(0, 12)})`,
    { fix: 'Build under a new name: a published release never changes.' },
  )
}

/** A mark that was asked for and isn't there would be missed on the day it is needed. */
function checkMarks(store: Store, ours: ReleaseRecord, theirs: ReleaseRecord): void {
  for (const mark of ['confirm', 'oldestRollback'] as const) {
    if (ours[mark] === undefined || ours[mark] === theirs[mark]) continue
    const has = theirs[mark] === undefined ? 'without a mark' : `with ${JSON.stringify(theirs[mark])}`
    const text = `${store.name}: release ${ours.release} is published ${has} for ${mark}, not ${JSON.stringify(ours[mark])}`
    throw new DeliverError('precondition', text, {
      fix: 'A published release never changes. Build it under a new name.',
    })
  }
}

/** The upload may be long after the archive was written, by another run. */
async function checkLocal(path: string, expected: Body): Promise<void> {
  const found = await bodyOf(path)
  if (found !== undefined && isSame(found, expected)) return
  throw new DeliverError(
    'precondition',
    `${path} is ${found === undefined ? 'missing' : 'not as its record says'}`,
    {
      fix: 'Run `deliver archive` again.',
    },
  )
}

async function upload(
  store: Store,
  key: string,
  file: string,
  expected: Body,
  options: CreateOptions,
): Promise<void> {
  if ((await store.create(key, { file }, options)) === 'created') {
    const size = await store.size(key)
    if (size === expected.size) return
    throw new DeliverError(
      'failed',
      `${store.name}: ${key} has ${size ?? 'no'} bytes after the upload of ${expected.size}`,
      {
        fix: 'Remove it, and publish again.',
      },
    )
  }
  // Left by a publish that was stopped before its record; right bytes are as good as ours.
  const found = await hashOf(store, key)
  if (isSame(found, expected)) return
  throw new DeliverError(
    'precondition',
    `${store.name}: ${key} has other bytes, of a release that was never published whole`,
    {
      fix: 'If no other publish is running, remove it and publish again; or build under a new name.',
    },
  )
}

async function hashOf(store: Store, key: string): Promise<Body> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of (await store.read(key)) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    size += chunk.length
  }
  return { size, sha256: hash.digest('hex') }
}

function isSame(found: Body, expected: Body): boolean {
  return found.size === expected.size && found.sha256 === expected.sha256
}
