import type { S3Place } from '../../config/types.js'
import type { Clock } from '../../ports.js'
import { loadPresigner } from '../aws/sdk.js'
import { openBucket } from './bucket.js'
import { keysUnder } from './keys.js'

export interface SignedReads {
  readonly urls: readonly (readonly [key: string, url: string])[]
  /** Milliseconds since 1970, when that is before the URLs would end by themselves: temporary credentials take them along. */
  readonly endsEarly: number | undefined
}

/** URLs that read these keys of the store without credentials, until they expire. */
export async function presignReads(
  place: S3Place,
  keys: readonly string[],
  seconds: number,
  clock: Clock,
): Promise<SignedReads> {
  const bucket = await openBucket({ place, clock })
  const { getSignedUrl } = await loadPresigner()
  const under = keysUnder(place.prefix)
  const sign = async (key: string): Promise<readonly [string, string]> => {
    const command = new bucket.sdk.GetObjectCommand({ Bucket: place.bucket, Key: under.of(key) })
    return [key, await getSignedUrl(bucket.client, command, { expiresIn: seconds })]
  }
  try {
    return await bucket.inWords('signing URLs', 'get', async () => {
      const urls = await Promise.all(keys.map(sign))
      const ends = (await bucket.client.config.credentials()).expiration?.getTime()
      const endsEarly = ends !== undefined && ends < clock.now() + seconds * 1000 ? ends : undefined
      return { urls, endsEarly }
    })
  } finally {
    bucket.client.destroy()
  }
}
