import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { systemClock } from '../../../src/adapters/clock.js'
import type { BucketPlace, OpenBucket } from '../../../src/adapters/s3/bucket.js'

/** What tests ask the emulator with, beside the adapter under test. */
export function plainClient(endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: 'eu-west-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'testing', secretAccessKey: 'testing-secret' },
  })
}

/** A new bucket, and how the adapter opens it. */
export async function newBucket(endpoint: string): Promise<{ place: BucketPlace; client: S3Client }> {
  const client = plainClient(endpoint)
  const bucket = `b-${randomUUID()}`
  const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const
  await client.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }))
  return { place: { bucket, prefix: 'apps', region: 'eu-west-1', endpoint, forcePathStyle: true }, client }
}

export function opened(place: BucketPlace): OpenBucket {
  return { place, clock: systemClock, retryFor: 5000 }
}
