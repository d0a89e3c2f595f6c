import { randomUUID } from 'node:crypto'
import { DeliverError } from '../../errors.js'
import { failureOf } from '../aws/failure.js'
import { isMissing, isRefused } from './answers.js'
import type { Bucket } from './bucket.js'
import type { Keys } from './keys.js'

/**
 * Whether the store honours the conditions of a write. All that deliver promises of a store rests on them, and some services
 * that speak S3 ignore them without a word. AWS is known to honour them.
 */
export function conditionCheck(bucket: Bucket, keys: Keys): () => Promise<void> {
  let checked: Promise<void> | undefined
  return () => {
    if (bucket.isAws()) return Promise.resolve()
    checked ??= probe(bucket, keys.of(`write-probe-${randomUUID()}`))
    // A store that was away is asked again by the next write.
    checked.catch(() => (checked = undefined))
    return checked
  }
}

async function probe(bucket: Bucket, key: string): Promise<void> {
  const { sdk, client, place } = bucket
  const object = { Bucket: place.bucket, Key: key }
  const write = async (condition: { IfNoneMatch: '*' } | { IfMatch: string }): Promise<boolean> => {
    const command = new sdk.PutObjectCommand({ ...object, Body: Buffer.from('probe\n'), ...condition })
    try {
      await bucket.send((signal) => client.send(command, { abortSignal: signal }))
      return true
    } catch (error) {
      if (isRefused(error) || isMissing(error)) return false
      if (failureOf(error).status === 501) throw unfit(bucket, 'refuses conditional writes (501)')
      throw error
    }
  }
  try {
    // The first may have arrived twice, so its own answer says nothing.
    await write({ IfNoneMatch: '*' })
    if (await write({ IfNoneMatch: '*' })) throw unfit(bucket, 'ignores If-None-Match')
    if (await write({ IfMatch: `"${'0'.repeat(32)}"` })) throw unfit(bucket, 'ignores If-Match')
  } finally {
    const remove = new sdk.DeleteObjectCommand(object)
    await bucket.send((signal) => client.send(remove, { abortSignal: signal })).catch(() => undefined)
  }
}

function unfit({ where }: Bucket, what: string): DeliverError {
  return new DeliverError(
    'precondition',
    `${where}: the store ${what}, so a lock in it would hold nobody back, and a release could be overwritten`,
    {
      fix: 'Use AWS S3 or a service with conditional writes, such as a current MinIO; or a directory store.',
    },
  )
}
