import type { MultipartUpload } from '@aws-sdk/client-s3'
import { DeliverError } from '../../errors.js'
import type { Bucket } from './bucket.js'
import type { Keys } from './keys.js'

/**
 * Ends multipart uploads under a prefix that began longer ago than `age` ms: what a killed process left, which costs money and
 * shows in no listing. Gives the keys.
 */
export async function abandonUploads(
  bucket: Bucket,
  keys: Keys,
  { prefix, age }: { readonly prefix: string; readonly age: number },
): Promise<readonly string[]> {
  const { sdk, client, place } = bucket
  const abandoned: string[] = []
  for (const { Key, UploadId, Initiated } of await oldUploads()) {
    const key = Key === undefined ? undefined : keys.back(Key)
    if (key === undefined || Initiated === undefined) continue
    const command = new sdk.AbortMultipartUploadCommand({ Bucket: place.bucket, Key, UploadId })
    await bucket.send((signal) => client.send(command, { abortSignal: signal }))
    abandoned.push(key)
  }
  return abandoned

  async function oldUploads(): Promise<readonly MultipartUpload[]> {
    const found: MultipartUpload[] = []
    let marker: { KeyMarker: string; UploadIdMarker: string } | undefined
    for (;;) {
      const command = new sdk.ListMultipartUploadsCommand({ Bucket: place.bucket, Prefix: prefix, ...marker })
      const page = await bucket.send((signal) => client.send(command, { abortSignal: signal }))
      const limit = bucket.timeOf(page) - age
      found.push(
        ...(page.Uploads ?? []).filter(({ Initiated }) => (Initiated?.getTime() ?? Infinity) < limit),
      )
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
}
