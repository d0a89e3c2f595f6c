import type { S3Place } from '../../config/types.js'
import type { Clock } from '../../ports.js'
import { loadPresigner } from '../aws/sdk.js'
import { openBucket } from './bucket.js'
import { keysUnder } from './keys.js'

/** URLs that read these keys of the store without credentials, until they expire. */
export async function presignReads(
  place: S3Place,
  keys: readonly string[],
  seconds: number,
  clock: Clock,
): Promise<readonly (readonly [key: string, url: string])[]> {
  const bucket = await openBucket({ place, clock })
  const { getSignedUrl } = await loadPresigner()
  const under = keysUnder(place.prefix)
  const sign = async (key: string): Promise<readonly [string, string]> => {
    const command = new bucket.sdk.GetObjectCommand({ Bucket: place.bucket, Key: under.of(key) })
    return [key, await getSignedUrl(bucket.client, command, { expiresIn: seconds })]
  }
  try {
    return await bucket.inWords('signing URLs', 'get', () => Promise.all(keys.map(sign)))
  } finally {
    bucket.client.destroy()
  }
}
