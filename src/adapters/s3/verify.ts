import { createHash } from 'node:crypto'
import { DeliverError } from '../../errors.js'
import { unlessMissing } from './answers.js'
import type { Bucket } from './bucket.js'
import { download } from './download.js'
import { explainHead } from './head.js'

/** The metadata that tells one upload from all others: it decides what became of a request whose answer was lost. */
export const uploadMark = 'deliver-upload'

export interface Content {
  readonly size: number
  /** Of all bytes, as hex. */
  readonly sha256: string
  /** What S3 computes: SHA-256 in base64, of the bytes or, of several parts, of their checksums. */
  readonly checksum: string
}

export interface Head {
  readonly size: number
  readonly mark: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly checksum: string | undefined
}

export async function headObject(bucket: Bucket, key: string): Promise<Head | undefined> {
  const { sdk, client, place } = bucket
  const command = new sdk.HeadObjectCommand({ Bucket: place.bucket, Key: key, ChecksumMode: 'ENABLED' })
  const head = bucket.send((signal) => client.send(command, { abortSignal: signal }))
  const found = await unlessMissing(head.catch((error: unknown) => explainHead(bucket, key, error)))
  if (found === undefined) return undefined
  const metadata = found.Metadata ?? {}
  if (found.ContentLength === undefined)
    throw new DeliverError('failed', `${bucket.where}: ${key}: the answer lacks a length`, {
      fix: 'Use a store that speaks S3 whole.',
    })
  // Of several parts, their number follows.
  const checksum = found.ChecksumSHA256?.replace(/-\d+$/, '')
  return { size: found.ContentLength, mark: metadata[uploadMark], metadata, checksum }
}

/** What is wrong with an object that was just written; undefined: nothing. A store without checksums is read back. */
export async function verifyObject(
  bucket: Bucket,
  key: string,
  content: Content,
): Promise<string | undefined> {
  const found = await headObject(bucket, key)
  if (found === undefined) return 'is not there after its upload'
  if (found.size !== content.size) return `has ${found.size} bytes after the upload of ${content.size}`
  if (found.checksum === content.checksum) return undefined
  if (found.checksum !== undefined) return 'has another checksum than what was uploaded'
  const body = await download(bucket, key)
  if (body === undefined) return 'is not there after its upload'
  const hash = createHash('sha256')
  for await (const chunk of body as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex') === content.sha256 ? undefined : 'has other bytes than what was uploaded'
}
