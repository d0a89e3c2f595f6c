import type { Alias } from '../ports.js'
import { openBucket, type OpenBucket } from './s3/bucket.js'
import { permissionFor } from './s3/permissions.js'
import { putObject } from './s3/put.js'
import { headObject } from './s3/verify.js'

/** The metadata that says what the alias holds. Whoever overwrites it with another tool takes it away. */
const labelMark = 'deliver-alias'

/** An alias in a bucket. Its key is the bucket's own: the store's prefix doesn't come before it. */
export async function openS3Alias(options: OpenBucket & { readonly key: string }): Promise<Alias> {
  const { key } = options
  const bucket = await openBucket(options)
  const name = `s3://${options.place.bucket}/${key}`
  return {
    name,
    holds: (content) =>
      bucket.inWords(`reading ${name}`, permissionFor(options.place, 'get', key), async () => {
        const found = await headObject(bucket, key)
        return found?.metadata[labelMark] === content.label
      }),
    async replace(file, content, signal) {
      const metadata = { [labelMark]: content.label }
      await bucket.inWords(`writing ${name}`, permissionFor(options.place, 'put', key), () =>
        putObject(bucket, { key, body: { file }, ifAbsent: false, metadata, signal }),
      )
    },
  }
}
