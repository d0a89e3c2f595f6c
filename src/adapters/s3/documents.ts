import { DeliverError } from '../../errors.js'
import type { Store, StoredDocument } from '../../ports.js'
import { failureOf, isTransient } from '../aws/failure.js'
import { isMissing, isRefused, unlessMissing } from './answers.js'
import type { Bucket } from './bucket.js'
import { attributesOf } from './attributes.js'
import { newStamp, stamped, unstamped } from './stamp.js'

interface Found extends StoredDocument {
  readonly stamp: string | undefined
}

/** Milliseconds for a read or write with all its repetitions: a lease must not wait longer for one renewal. */
const deadline = 60_000
const retryFor = 30_000

export async function readDocument(bucket: Bucket, key: string): Promise<Found | undefined> {
  const { sdk, client, place } = bucket
  const get = async (signal: AbortSignal): Promise<Found> => {
    const command = new sdk.GetObjectCommand({ Bucket: place.bucket, Key: key })
    const answer = await client.send(command, { abortSignal: signal })
    const { ETag: version, LastModified: modified, Body: body, ContentLength: size } = answer
    if (version === undefined || modified === undefined || body === undefined) throw odd(bucket, key)
    const bytes = Buffer.from(await body.transformToByteArray())
    if (size !== undefined && bytes.length !== size)
      throw Object.assign(new Error('the body was cut'), { code: 'IncompleteBody' })
    const modifiedAt = modified.getTime()
    // Both are whole seconds, of clocks that may differ a little.
    const now = Math.max(modifiedAt, bucket.timeOf(answer))
    return { ...unstamped(bytes.toString('utf8')), version, modifiedAt, now }
  }
  return unlessMissing(bucket.send(get, { deadline, retryFor }))
}

/**
 * A lost answer leaves open whether the write happened, and its repetition is refused in either case. The stamp of what is
 * there tells.
 */
export async function writeDocument(
  bucket: Bucket,
  write: { readonly key: string; readonly text: string; readonly expected: string | undefined },
): ReturnType<Store['writeDocument']> {
  const { sdk, client, place } = bucket
  const { key, text, expected } = write
  const stamp = newStamp()
  const command = new sdk.PutObjectCommand({
    Bucket: place.bucket,
    Key: key,
    Body: Buffer.from(stamped(text, stamp)),
    ContentType: 'application/json',
    CacheControl: 'no-store',
    ...(expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected }),
    ...attributesOf(place),
  })
  let lost = false
  const put = async (signal: AbortSignal): Promise<string> => {
    try {
      const { ETag: version } = await client.send(command, { abortSignal: signal })
      if (version === undefined) throw odd(bucket, key)
      return version
    } catch (error) {
      lost ||= mayHaveHappened(error)
      throw error
    }
  }
  try {
    return { outcome: 'written', version: await bucket.send(put, { deadline, retryFor }) }
  } catch (error) {
    if (!isRefused(error) && !isMissing(error)) throw error
    if (!lost) return { outcome: 'conflict' }
    const found = await readDocument(bucket, key)
    if (found?.stamp === stamp) return { outcome: 'written', version: found.version }
    throw new DeliverError(
      'failed',
      `${bucket.where}: writing ${key}: no answer came, and somebody else wrote it since`,
      {
        fix: 'Run the command again.',
        cause: error,
      },
    )
  }
}

/** AWS's own refusals come before anything is written; everything else may come after. */
function mayHaveHappened(error: unknown): boolean {
  const failure = failureOf(error)
  return isTransient(failure) && (failure.status === undefined || failure.status >= 500)
}

function odd(bucket: Bucket, key: string): DeliverError {
  return new DeliverError('failed', `${bucket.where}: ${key}: the answer lacks an ETag, a time or a body`, {
    fix: 'Use a store that speaks S3 whole.',
  })
}
