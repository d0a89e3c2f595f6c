import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import { listingDigest } from '../release/listing.js'
import { decodeManifest } from '../release/manifest.js'
import type { Body, Manifest, ReleaseRecord } from '../release/release.js'

/** A body on this machine that can be read again and again. */
export interface LocalBody extends Body {
  open(): Readable
}

/** The manifest of a release, which is the one that its record names. */
export async function fetchManifest(store: Store, key: string, record: ReleaseRecord): Promise<Manifest> {
  const manifest = await decodeManifest(await readBody(store, key, record.manifest))
  const digest = listingDigest(manifest)
  if (digest !== record.manifest.digest)
    throw broken(key, `lists ${digest}, its record says ${record.manifest.digest}`)
  return manifest
}

/** A small body, all of it in memory. */
export async function readBody(store: Store, key: string, expected: Body): Promise<Buffer> {
  const chunks: Buffer[] = []
  const meter = new Meter()
  await pipeline(await store.read(key), meter, async function (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) chunks.push(chunk)
  })
  check(key, meter.body(), expected)
  return Buffer.concat(chunks)
}

export async function fetchBody(
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

export async function writeBody(path: string, source: AsyncIterable<Buffer>): Promise<LocalBody> {
  const meter = new Meter()
  await pipeline(
    Readable.from(source, { objectMode: false }),
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
