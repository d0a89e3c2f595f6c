import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import { openBucket, type OpenBucket } from './s3/bucket.js'
import { conditionCheck } from './s3/conditions.js'
import { readDocument, writeDocument } from './s3/documents.js'
import { download } from './s3/download.js'
import { keysUnder } from './s3/keys.js'
import { listKeys } from './s3/listing.js'
import { permissionFor, type S3Action } from './s3/permissions.js'
import { putObject } from './s3/put.js'
import { abandonUploads, oldUploads } from './s3/uploads.js'
import { headObject } from './s3/verify.js'

/** A store in an S3 bucket, or in a part of one. The store's clock is the server's. */
export async function openS3Store(options: OpenBucket): Promise<Store> {
  const bucket = await openBucket(options)
  const keys = keysUnder(options.place.prefix)
  const needs = (action: S3Action): string => permissionFor(options.place, action)
  const checkConditions = conditionCheck(bucket, keys)

  return {
    name: bucket.where,

    async create(key, body, { signal, onProgress } = {}) {
      const put = { key: keys.of(key), body, ifAbsent: true, signal, onProgress }
      signal?.throwIfAborted()
      return bucket.inWords(`writing ${key}`, needs('put'), async () => {
        await checkConditions()
        return putObject(bucket, put)
      })
    },

    async size(key) {
      const object = keys.of(key)
      return bucket.inWords(
        `reading ${key}`,
        needs('get'),
        async () => (await headObject(bucket, object))?.size,
      )
    },

    async read(key) {
      const object = keys.of(key)
      const body = await bucket.inWords(`reading ${key}`, needs('get'), () => download(bucket, object))
      if (body !== undefined) return body
      throw new DeliverError('precondition', `${bucket.where}: there is no ${key}`, {
        fix: 'Publish the release, or check store.s3.bucket and store.s3.prefix.',
      })
    },

    async list(prefix) {
      const start = keys.ofPrefix(prefix)
      return bucket.inWords(`listing ${prefix}`, needs('list'), () => listKeys(bucket, keys, start))
    },

    async remove(key) {
      const { sdk, client, place } = bucket
      const command = new sdk.DeleteObjectCommand({ Bucket: place.bucket, Key: keys.of(key) })
      await bucket.inWords(`removing ${key}`, needs('delete'), () =>
        bucket.send((signal) => client.send(command, { abortSignal: signal })),
      )
    },

    async abandonUploads(prefix, age) {
      const start = keys.ofPrefix(prefix)
      return bucket.inWords(`listing uploads of ${prefix}`, needs('list-uploads'), () =>
        abandonUploads(bucket, keys, { prefix: start, age }),
      )
    },

    async unfinishedUploads(prefix, age) {
      const start = keys.ofPrefix(prefix)
      return bucket.inWords(`listing uploads of ${prefix}`, needs('list-uploads'), async () =>
        (await oldUploads(bucket, keys, { prefix: start, age })).map(({ key }) => key),
      )
    },

    async readDocument(key) {
      const object = keys.of(key)
      return bucket.inWords(`reading ${key}`, needs('get'), async () => {
        const found = await readDocument(bucket, object)
        if (found === undefined) return undefined
        const { text, version, modifiedAt, now } = found
        return { text, version, modifiedAt, now }
      })
    },

    async writeDocument(key, text, expected) {
      const object = keys.of(key)
      if (text === '') throw new RangeError('a document is not empty')
      return bucket.inWords(`writing ${key}`, needs('put'), async () => {
        await checkConditions()
        return writeDocument(bucket, { key: object, text, expected })
      })
    },
  }
}
