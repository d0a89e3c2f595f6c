import { createHash, randomUUID } from 'node:crypto'
import { DeliverError } from '../../errors.js'
import { isRefused } from './answers.js'
import { attributesOf } from './attributes.js'
import type { Bucket } from './bucket.js'
import { uploadParts } from './multipart.js'
import { partSize } from './parts.js'
import { openSource, type Source } from './source.js'
import { headObject, uploadMark, verifyObject, type Content } from './verify.js'

export interface Put {
  readonly key: string
  readonly body: { readonly file: string } | Buffer
  /** Leaves an object alone that is there. */
  readonly ifAbsent: boolean
  /** Kept with the object. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes that have arrived. */
  readonly onProgress?: ((done: number) => void) | undefined
}

/** What one upload of an object has in all of its requests. */
export interface Target {
  readonly key: string
  readonly mark: string
  readonly condition: { readonly IfNoneMatch?: '*' }
  readonly description: ReturnType<typeof describe>
}

/** An upload that S3 lost, or that another one disturbed, is made again so many times. */
const rounds = 3

/** Writes an object, and checks that it arrived. Rejects with the SDK's errors, or with what is wrong with the file. */
export async function putObject(bucket: Bucket, put: Put): Promise<'created' | 'exists'> {
  const { key, body, ifAbsent, signal } = put
  signal?.throwIfAborted()
  if (Buffer.isBuffer(body)) return putBuffer(bucket, put, body)
  for (let round = 1; ; round++) {
    const source = await openSource(body.file)
    try {
      // Before anything is sent. The condition decides again at the end.
      if (ifAbsent && (await headObject(bucket, key)) !== undefined) return 'exists'
      const outcome = source.size > partSize ? putParts(bucket, put, source) : putSmall(bucket, put, source)
      if ((await outcome) !== 'lost') return (await outcome) === 'exists' ? 'exists' : 'created'
    } finally {
      await source.close()
    }
    if (round === rounds)
      throw new DeliverError('failed', `${bucket.where}: the upload of ${key} vanished ${rounds} times`, {
        fix: 'Check the lifecycle rules of the bucket, then run the command again.',
      })
  }
}

function newTarget({ place }: Bucket, put: Put): Target {
  const mark = randomUUID()
  return {
    key: put.key,
    mark,
    condition: put.ifAbsent ? { IfNoneMatch: '*' } : {},
    description: describe(place, put, mark),
  }
}

function describe(place: Bucket['place'], { key, metadata }: Put, mark: string) {
  return {
    ContentType: key.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    Metadata: { ...metadata, [uploadMark]: mark },
    ...(place.storageClass === undefined ? {} : { StorageClass: place.storageClass }),
    ...attributesOf(place),
  }
}

async function putSmall(bucket: Bucket, put: Put, source: Source): Promise<'created' | 'exists'> {
  const content = Buffer.alloc(source.size)
  await source.next(content)
  await source.finish()
  return putBuffer(bucket, put, content)
}

async function putBuffer(bucket: Bucket, put: Put, content: Buffer): Promise<'created' | 'exists'> {
  const { sdk, client, place } = bucket
  const target = newTarget(bucket, put)
  const digest = createHash('sha256').update(content).digest()
  const command = new sdk.PutObjectCommand({
    Bucket: place.bucket,
    Key: put.key,
    Body: content,
    ...((await bucket.sendsChecksums()) ? { ChecksumSHA256: digest.toString('base64') } : {}),
    ...target.description,
    ...target.condition,
  })
  try {
    await bucket.send((signal) => client.send(command, { abortSignal: signal }), { signal: put.signal })
  } catch (error) {
    if (!isRefused(error)) throw error
    // The repetition of a request whose first answer was lost is refused too.
    if ((await headObject(bucket, put.key))?.mark !== target.mark) return 'exists'
  }
  const checksum = digest.toString('base64')
  return arrived(bucket, put, { size: content.length, sha256: digest.toString('hex'), checksum })
}

async function putParts(bucket: Bucket, put: Put, source: Source): Promise<'created' | 'exists' | 'lost'> {
  const target = newTarget(bucket, put)
  const { signal, onProgress } = put
  const { completed, ...content } = await uploadParts(bucket, { target, source, signal, onProgress })
  if (!completed) {
    const found = await headObject(bucket, put.key)
    if (found?.mark !== target.mark) return found === undefined || !put.ifAbsent ? 'lost' : 'exists'
  }
  return arrived(bucket, put, content)
}

async function arrived(bucket: Bucket, put: Put, content: Content): Promise<'created'> {
  put.onProgress?.(content.size)
  const problem = await verifyObject(bucket, put.key, content)
  if (problem === undefined) return 'created'
  const { sdk, client, place } = bucket
  // It would never be replaced, and so stand in the way of every further try.
  const command = new sdk.DeleteObjectCommand({ Bucket: place.bucket, Key: put.key })
  await bucket.send((signal) => client.send(command, { abortSignal: signal })).catch(() => undefined)
  throw new DeliverError('failed', `${bucket.where}: ${put.key} ${problem}`, {
    fix: 'Run the command again. If it happens again, the store or what lies before it is broken.',
  })
}
