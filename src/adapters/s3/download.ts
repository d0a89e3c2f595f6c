import { Readable } from 'node:stream'
import { DeliverError } from '../../errors.js'
import { failureOf, isTransient } from '../aws/failure.js'
import { isRefused, unlessMissing } from './answers.js'
import type { Bucket } from './bucket.js'
import { permissionFor } from './permissions.js'

/** Times that one download goes on after it was cut. */
const patience = 10

interface Opened {
  readonly body: Readable
  readonly size: number
  readonly version: string
}

/** The object's bytes, whole: a connection that breaks is made again where it broke. Undefined: there is none. */
export async function download(bucket: Bucket, key: string): Promise<Readable | undefined> {
  const first = await unlessMissing(open(bucket, key))
  if (first === undefined) return undefined
  return Readable.from(bytesOf(bucket, key, first), { objectMode: false, highWaterMark: 1024 * 1024 })
}

async function* bytesOf(bucket: Bucket, key: string, { body: first, size, version }: Opened) {
  let body = first
  let offset = 0
  let cuts = 0
  try {
    let chunks: AsyncIterator<unknown> = body[Symbol.asyncIterator]()
    while (offset < size) {
      const next = await nextOf(chunks)
      if ('chunk' in next) {
        offset += next.chunk.length
        yield next.chunk
        continue
      }
      cuts += 1
      if (cuts > patience || !isTransient(failureOf(next.error))) throw broken(bucket, key, next.error)
      body.destroy()
      body = await goOn(bucket, key, { offset, version })
      chunks = body[Symbol.asyncIterator]()
    }
    if (offset > size) throw broken(bucket, key, new Error('more bytes came than announced'))
  } finally {
    body.destroy()
  }
}

async function nextOf(chunks: AsyncIterator<unknown>): Promise<{ chunk: Buffer } | { error: unknown }> {
  try {
    const next = await chunks.next()
    if (next.done === true)
      return { error: Object.assign(new Error('the body was cut'), { code: 'IncompleteBody' }) }
    const chunk: unknown = next.value
    return Buffer.isBuffer(chunk)
      ? { chunk }
      : { error: new TypeError('a body of something else than bytes') }
  } catch (error) {
    return { error }
  }
}

async function goOn(
  bucket: Bucket,
  key: string,
  from: { readonly offset: number; readonly version: string },
): Promise<Readable> {
  try {
    return (await open(bucket, key, from)).body
  } catch (error) {
    if (!isRefused(error)) throw bucket.translate(`reading ${key}`, permissionFor(bucket.place, 'get'), error)
    throw new DeliverError('failed', `${bucket.where}: ${key} was replaced while it was read`, {
      fix: 'Find out who writes to the store beside deliver, then run the command again.',
    })
  }
}

/** Rejects with the SDK's errors. */
async function open(
  bucket: Bucket,
  key: string,
  from?: { readonly offset: number; readonly version: string },
): Promise<Opened> {
  const { sdk, client, place } = bucket
  const command = new sdk.GetObjectCommand({
    Bucket: place.bucket,
    Key: key,
    ...(from === undefined ? {} : { Range: `bytes=${from.offset}-`, IfMatch: from.version }),
  })
  // The deadline is for the answer to begin; how long the body may be silent, the connection's idle limit says.
  const answer = await bucket.send((signal) => client.send(command, { abortSignal: signal }))
  const { Body: body, ContentLength: size, ETag: version, ContentRange: range } = answer
  if (from !== undefined && range?.startsWith(`bytes ${from.offset}-`) !== true) {
    if (body instanceof Readable) body.destroy()
    throw new DeliverError('failed', `${bucket.where}: ${key}: asked for a part, the store gave another`, {
      fix: 'Run the command again.',
    })
  }
  if (!(body instanceof Readable) || size === undefined || version === undefined)
    throw new DeliverError(
      'failed',
      `${bucket.where}: ${key}: the answer lacks a body, a length or an ETag`,
      {
        fix: 'Use a store that speaks S3 whole.',
      },
    )
  return { body, size, version }
}

function broken(bucket: Bucket, key: string, error: unknown): unknown {
  const translated = bucket.translate(`reading ${key}`, permissionFor(bucket.place, 'get'), error)
  if (translated instanceof DeliverError) return translated
  return new DeliverError('failed', `${bucket.where}: reading ${key}: the bytes that came are damaged`, {
    fix: 'Run the command again.',
    cause: error,
  })
}
