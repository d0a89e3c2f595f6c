import type { MultipartUpload } from '@aws-sdk/client-s3'
import { DeliverError } from '../../errors.js'
import type { Bucket } from './bucket.js'
import type { Keys } from './keys.js'

/** Uploads of keys under a prefix that began longer ago than `age` ms. */
export interface OldUploads {
  readonly prefix: string
  readonly age: number
}

interface OldUpload {
  /** Of the store. */
  readonly key: string
  readonly upload: MultipartUpload
}

/**
 * Ends old multipart uploads: what a killed process left, which costs money and shows in no listing. Gives the keys.
 */
export async function abandonUploads(bucket: Bucket, keys: Keys, of: OldUploads): Promise<readonly string[]> {
  const { sdk, client, place } = bucket
  const abandoned: string[] = []
  for (const { key, upload } of await oldUploads(bucket, keys, of)) {
    const { Key, UploadId } = upload
    const command = new sdk.AbortMultipartUploadCommand({ Bucket: place.bucket, Key, UploadId })
    await bucket.send((signal) => client.send(command, { abortSignal: signal }))
    abandoned.push(key)
  }
  return abandoned
}

export async function oldUploads(
  bucket: Bucket,
  keys: Keys,
  { prefix, age }: OldUploads,
): Promise<readonly OldUpload[]> {
  const { sdk, client, place } = bucket
  const found: OldUpload[] = []
  let marker: { KeyMarker: string; UploadIdMarker: string } | undefined
  for (;;) {
    const command = new sdk.ListMultipartUploadsCommand({ Bucket: place.bucket, Prefix: prefix, ...marker })
    const page = await bucket.send((signal) => client.send(command, { abortSignal: signal }))
    const limit = bucket.timeOf(page) - age
    for (const upload of page.Uploads ?? []) {
      const key = upload.Key === undefined ? undefined : keys.back(upload.Key)
      if (key !== undefined && (upload.Initiated?.getTime() ?? Infinity) < limit) found.push({ key, upload })
    }
    if (page.IsTruncated !== true) return found
    const next = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' }
    if (
      next.KeyMarker === '' ||
      (next.KeyMarker === marker?.KeyMarker && next.UploadIdMarker === marker.UploadIdMarker)
    )
      throw new DeliverError(
        'failed',
        `${bucket.where}: the list of uploads says that it goes on, and not where`,
        {
          fix: 'Use a store that speaks S3 whole.',
        },
      )
    marker = next
  }
}
