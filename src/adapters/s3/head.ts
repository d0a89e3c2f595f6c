import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { failureOf } from '../aws/failure.js'
import type { Bucket } from './bucket.js'

/** An answer to HEAD has no body, so a refusal has no reason. The same question as GET, of one byte, has. Rejects always. */
export async function explainHead(
  bucket: Bucket,
  key: string,
  error: unknown,
): Promise<HeadObjectCommandOutput> {
  const { sdk, client, place } = bucket
  const { status } = failureOf(error)
  if (status === undefined || status < 300 || status === 404 || status >= 500) throw error
  const command = new sdk.GetObjectCommand({ Bucket: place.bucket, Key: key, Range: 'bytes=0-0' })
  const answer = await bucket.send((signal) => client.send(command, { abortSignal: signal }))
  if (answer.Body !== undefined && 'destroy' in answer.Body) answer.Body.destroy()
  throw error
}
