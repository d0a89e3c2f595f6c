import { createHash } from 'node:crypto'
import { DeliverError } from '../../errors.js'
import { isRefused, isUploadGone } from './answers.js'
import type { Bucket } from './bucket.js'
import { atOnce, partsOf, type Part } from './parts.js'
import type { Target } from './put.js'
import type { Source } from './source.js'
import type { Content } from './verify.js'

export interface UploadParts {
  readonly target: Target
  readonly source: Source
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number) => void) | undefined
}

interface Sent {
  readonly number: number
  readonly etag: string
  readonly digest: Buffer
}

/** Milliseconds for one part, on a slow line. */
const partDeadline = 15 * 60_000
/** Milliseconds for S3 to put the parts together. */
const completeDeadline = 10 * 60_000
/** Milliseconds for the last thing that an interrupted run does. */
const abortFor = 10_000

/**
 * Uploads a large body in parts, several at once. `completed` is false when S3 says that the condition doesn't hold, or
 * that there is no such upload, which can also be the second answer to a request that had worked. Whatever else happens,
 * nothing is left behind.
 */
export async function uploadParts(
  bucket: Bucket,
  { target, source, signal, onProgress }: UploadParts,
): Promise<Content & { readonly completed: boolean }> {
  const { sdk, client, place } = bucket
  const object = { Bucket: place.bucket, Key: target.key }
  const checksums = await bucket.sendsChecksums()
  const create = new sdk.CreateMultipartUploadCommand({
    ...object,
    ...target.description,
    ...(checksums ? { ChecksumAlgorithm: 'SHA256' } : {}),
  })
  const created = await bucket.send((stop) => client.send(create, { abortSignal: stop }), { signal })
  const { UploadId } = created
  if (UploadId === undefined)
    throw new DeliverError(
      'failed',
      `${bucket.where}: ${target.key}: the answer lacks the id of the upload`,
      {
        fix: 'Use a store that speaks S3 whole.',
      },
    )
  const upload = { ...object, UploadId }
  try {
    const sent = await sendAll(source, { sendPart, signal, onProgress })
    const sha256 = await source.finish()
    signal?.throwIfAborted()
    const completed = await complete(sent)
    const all = createHash('sha256')
    for (const { digest } of sent) all.update(digest)
    if (!completed) await abandon()
    return { completed, size: source.size, sha256, checksum: all.digest('base64') }
  } catch (error) {
    await abandon()
    throw error
  }

  async function sendPart(part: Part, content: Buffer, stop: AbortSignal): Promise<Sent> {
    const digest = createHash('sha256').update(content).digest()
    const command = new sdk.UploadPartCommand({
      ...upload,
      PartNumber: part.number,
      Body: content,
      ...(checksums ? { ChecksumSHA256: digest.toString('base64') } : {}),
    })
    const how = { signal: stop, deadline: partDeadline }
    const { ETag: etag } = await bucket.send((now) => client.send(command, { abortSignal: now }), how)
    if (etag === undefined)
      throw new DeliverError('failed', `${bucket.where}: ${target.key}: a part came back without an ETag`, {
        fix: 'Use a store that speaks S3 whole.',
      })
    return { number: part.number, etag, digest }
  }

  async function complete(sent: readonly Sent[]): Promise<boolean> {
    const Parts = sent.map(({ number, etag, digest }) => ({
      PartNumber: number,
      ETag: etag,
      ...(checksums ? { ChecksumSHA256: digest.toString('base64') } : {}),
    }))
    const command = new sdk.CompleteMultipartUploadCommand({
      ...upload,
      ...target.condition,
      MultipartUpload: { Parts },
    })
    try {
      const how = { signal, deadline: completeDeadline }
      await bucket.send((stop) => client.send(command, { abortSignal: stop }), how)
      return true
    } catch (error) {
      if (isRefused(error) || isUploadGone(error)) return false
      throw error
    }
  }

  /** Also after an interrupt, so without its signal. What fails here is found by a later run. */
  async function abandon(): Promise<void> {
    const command = new sdk.AbortMultipartUploadCommand(upload)
    const how = { retryFor: abortFor, deadline: abortFor }
    await bucket.send((stop) => client.send(command, { abortSignal: stop }), how).catch(() => undefined)
  }
}

interface SendAll {
  readonly sendPart: (part: Part, content: Buffer, stop: AbortSignal) => Promise<Sent>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number) => void) | undefined
}

/** Each of a few senders has one buffer: it takes the next part, sends it, and comes back. Memory stays at that. */
async function sendAll(source: Source, { sendPart, signal, onProgress }: SendAll): Promise<readonly Sent[]> {
  const parts = partsOf(source.size)
  const stop = new AbortController()
  const abort = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted === true) abort()
  const left = [...parts]
  const sent: Sent[] = []
  let done = 0
  let reading: Promise<unknown> = Promise.resolve()

  async function sender(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(parts[0]?.size ?? 0)
    for (;;) {
      stop.signal.throwIfAborted()
      // The file is read from its start to its end, by one at a time, because it is hashed on the way.
      const taken = reading.then(async () => {
        const part = left.shift()
        if (part === undefined) return undefined
        const content = buffer.subarray(0, part.size)
        await source.next(content)
        return { part, content }
      })
      reading = taken.catch(() => undefined)
      const next = await taken
      if (next === undefined) return
      sent.push(await sendPart(next.part, next.content, stop.signal))
      done += next.part.size
      onProgress?.(done)
    }
  }

  try {
    const senders = Array.from({ length: Math.min(atOnce, parts.length) }, () =>
      sender().catch((error: unknown) => {
        stop.abort(error)
        throw error
      }),
    )
    const ends = await Promise.allSettled(senders)
    signal?.throwIfAborted()
    const failed = ends.find((end) => end.status === 'rejected')
    // The first reason to stop, and not what it did to the others.
    if (failed !== undefined) throw stop.signal.reason
    return sent.sort((a, b) => a.number - b.number)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
