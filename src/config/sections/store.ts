import { exactlyOne, text, whole, z } from '../fields.js'
import * as names from '../names.js'
import * as rules from '../store-rules.js'
import type { StoreConfig } from '../types.js'

/** Where releases live: a directory or an S3 bucket. */

const s3 = z.strictObject({
  bucket: text(rules.bucketName, 'name').describe('The bucket.'),
  prefix: text(rules.keyPath, 'path')
    .exactOptional()
    .describe('What all keys start with, without a slash at the end. Default: nothing.'),
  region: text(rules.regionName, 'name')
    .exactOptional()
    .describe('Region of the bucket. Default: AWS_REGION, else what the profile says.'),
  profile: text(names.oneLine, 'name')
    .exactOptional()
    .describe('Profile of ~/.aws/config to log in with. Default: the SDK’s usual chain of credentials.'),
  endpoint: text(rules.endpointUrl, 'URL')
    .exactOptional()
    .describe('URL of another service that speaks S3. Default: AWS.'),
  forcePathStyle: z
    .boolean()
    .exactOptional()
    .describe(
      'The bucket goes into the path of a URL rather than its host name; most other services need it.',
    ),
  sse: z
    .enum(['AES256', 'aws:kms', 'aws:kms:dsse'])
    .exactOptional()
    .describe('Encryption at rest. Default: what the bucket does by itself.'),
  kmsKey: text(names.oneLine, 'ARN or id')
    .exactOptional()
    .describe('The KMS key; only with sse aws:kms or aws:kms:dsse.'),
  acl: z
    .enum([
      'private',
      'public-read',
      'authenticated-read',
      'aws-exec-read',
      'bucket-owner-read',
      'bucket-owner-full-control',
    ])
    .exactOptional()
    .describe('Canned ACL of what is written, for buckets that have ACLs enabled. Default: none.'),
  storageClass: z
    .enum(['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'REDUCED_REDUNDANCY'])
    .exactOptional()
    .describe('Storage class of archives and manifests. Default: STANDARD.'),
})

export const store = z
  .strictObject({
    directory: text(names.oneLine, 'path')
      .exactOptional()
      .describe(
        'Directory that holds releases, relative to the config file. A shared mount serves several build machines.',
      ),
    s3: s3
      .superRefine(rules.keyNeedsKms)
      .exactOptional()
      .describe('S3 bucket, or a part of one, that holds releases.'),
    keep: whole(1, 10_000)
      .exactOptional()
      .describe(
        'The newest releases that stay in the store, with those that are in use; older ones are removed after a deploy. Default: all stay.',
      ),
    alias: text(rules.keyPath, 'path')
      .exactOptional()
      .describe(
        'A fixed key of the bucket (or file of the directory) that always has the current release, e.g. api/api.tar. It ends in .tar, .tar.gz, .tgz or .tar.zst for that format; anything else has the archive as published. Each environment needs its own.',
      ),
  })
  .refine(...exactlyOne(['directory', 's3']))
  .transform(({ directory, s3, ...rest }): StoreConfig => ({
    place: rules.storePlace(directory, s3),
    ...rest,
  }))
