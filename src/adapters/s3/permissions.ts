import type { BucketPlace } from './bucket.js'

export type S3Action = 'get' | 'put' | 'delete' | 'list' | 'list-uploads'

/** What the credentials must allow for an action, as a policy names it. */
export function permissionFor(place: BucketPlace, action: S3Action, key?: string): string {
  const bucket = `arn:${partitionOf(place.region)}:s3:::${place.bucket}`
  const all = place.prefix === '' ? '*' : `${place.prefix}/*`
  const objects = `${bucket}/${key ?? all}`
  const keyed =
    place.sse === undefined || place.sse === 'AES256'
      ? ''
      : ` and kms:GenerateDataKey and kms:Decrypt on its key`
  switch (action) {
    case 'get':
      // Without the second, S3 answers 403 instead of 404.
      return `s3:GetObject on ${objects} and s3:ListBucket on ${bucket}${keyed}`
    case 'put':
      return `s3:PutObject and s3:AbortMultipartUpload on ${objects}${place.acl === undefined ? '' : `, s3:PutObjectAcl too`}${keyed}`
    case 'delete':
      return `s3:DeleteObject on ${objects}`
    case 'list':
      return `s3:ListBucket on ${bucket}`
    case 'list-uploads':
      return `s3:ListBucketMultipartUploads on ${bucket}`
  }
}

function partitionOf(region: string | undefined): string {
  if (region?.startsWith('cn-') === true) return 'aws-cn'
  return region?.startsWith('us-gov-') === true ? 'aws-us-gov' : 'aws'
}
