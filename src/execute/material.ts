import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import { listingBytes } from '../release/listing.js'
import { decodeManifest } from '../release/manifest.js'
import type { Body, ReleaseRecord } from '../release/release.js'
import type { Encoding } from '../remote/verbs.js'
import { releaseKeys } from '../store/layout.js'
import type { Room } from './facts.js'
import { makePrivateDirectory } from './private-directory.js'
import { recompress } from './recompress.js'

/** A body on this machine that can be read again and again. */
export interface LocalBody extends Body {
  open(): Readable
}

/** All that staging a release on hosts takes, verified against its record. */
export interface ReleaseMaterial {
  readonly release: string
  /** sha256 of the listing. */
  readonly digest: string
  readonly listing: Buffer
  /** How the published archive is compressed. */
  readonly encoding: Encoding
  /** The archive in another compression is made once, when the first host needs it. */
  archive(encoding: Encoding): Promise<LocalBody>
  close(): Promise<void>
}

export const encodings = { 'tar.zst': 'zstd', 'tar.gz': 'gzip', tar: 'none' } as const

/** Room for the archive as it comes, the tree, and its listing. */
export function roomFor(record: ReleaseRecord): Room {
  const slack = 1.1
  // A file takes whole blocks, so that many small ones take more than their bytes.
  const tree = record.manifest.bytes + record.manifest.entries * 4096
  const bytes = Math.ceil((record.archive.size + tree) * slack)
  return { bytes, inodes: Math.ceil(record.manifest.entries * slack) + 100 }
}

/**
 * Fetches a release from the store into a private directory, and checks every byte against its record, so that the store
 * is read once however many hosts there are, and nothing that changed since it was published reaches one.
 */
export async function openMaterial(
  store: Store,
  record: ReleaseRecord,
  signal?: AbortSignal,
): Promise<ReleaseMaterial> {
  const keys = releaseKeys(record.app, record.release, {
    format: record.archive.format,
    manifestFile: record.manifest.file,
  })
  const directory = await makePrivateDirectory(Date.now())
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const listing = await fetchListing(store, keys.manifest, record)
    const published = await fetchBody(store, keys.archive, join(directory, 'archive'), {
      expected: record.archive,
      ...(signal === undefined ? {} : { signal }),
    })
    const encoding = encodings[record.archive.format]
    const made = new Map<Encoding, Promise<LocalBody>>([[encoding, Promise.resolve(published)]])
    return {
      release: record.release,
      digest: record.manifest.digest,
      listing,
      encoding,
      archive: (wanted) => {
        const known = made.get(wanted) ?? transcode(published, encoding, wanted, join(directory, wanted))
        made.set(wanted, known)
        return known
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function fetchListing(store: Store, key: string, record: ReleaseRecord): Promise<Buffer> {
  const chunks: Buffer[] = []
  const meter = new Meter()
  await pipeline(await store.read(key), meter, async function (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) chunks.push(chunk)
  })
  check(key, meter.body(), record.manifest)
  const listing = listingBytes(await decodeManifest(Buffer.concat(chunks)))
  const digest = createHash('sha256').update(listing).digest('hex')
  if (digest !== record.manifest.digest)
    throw broken(key, `lists ${digest}, its record says ${record.manifest.digest}`)
  return listing
}

async function fetchBody(
  store: Store,
  key: string,
  path: string,
  { expected, signal }: { readonly expected: Body; readonly signal?: AbortSignal },
): Promise<LocalBody> {
  const meter = new Meter()
  const to = createWriteStream(path, { mode: 0o600 })
  await pipeline([await store.read(key), meter, to], signal === undefined ? {} : { signal })
  check(key, meter.body(), expected)
  return localBody(path, expected)
}

async function transcode(source: LocalBody, from: Encoding, to: Encoding, path: string): Promise<LocalBody> {
  const meter = new Meter()
  await pipeline(
    Readable.from(recompress(source.open(), from, to), { objectMode: false }),
    meter,
    createWriteStream(path, { mode: 0o600 }),
  )
  return localBody(path, meter.body())
}

function localBody(path: string, { size, sha256 }: Body): LocalBody {
  return { size, sha256, open: () => createReadStream(path, { highWaterMark: 256 * 1024 }) }
}

function check(key: string, is: Body, expected: Body): void {
  if (is.size !== expected.size) throw broken(key, `has ${is.size} bytes, its record says ${expected.size}`)
  if (is.sha256 !== expected.sha256)
    throw broken(key, `has sha256 ${is.sha256}, its record says ${expected.sha256}`)
}

function broken(key: string, because: string): DeliverError {
  return new DeliverError('failed', `store: ${key} ${because}`, {
    fix: 'The release is damaged. Publish it again under another name, or restore the object.',
  })
}

/** Counts and hashes what passes through. */
class Meter extends Transform {
  readonly #hash = createHash('sha256')
  #size = 0

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    this.#size += chunk.length
    this.#hash.update(chunk)
    done(null, chunk)
  }

  body(): Body {
    return { size: this.#size, sha256: this.#hash.digest('hex') }
  }
}
