import type { BucketPlace } from './bucket.js'

/** How everything that we write is encrypted, and who may read it. */
export function attributesOf({ sse, kmsKey, acl }: BucketPlace) {
  return {
    ...(sse === undefined ? {} : { ServerSideEncryption: sse }),
    ...(kmsKey === undefined ? {} : { SSEKMSKeyId: kmsKey }),
    ...(acl === undefined ? {} : { ACL: acl }),
  }
}
