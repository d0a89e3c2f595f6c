import { DeliverError } from '../../errors.js'
import type { StoredKey } from '../../ports.js'
import type { Bucket } from './bucket.js'
import type { Keys } from './keys.js'

/** All pages, sorted by key. */
export async function listKeys(bucket: Bucket, keys: Keys, prefix: string): Promise<readonly StoredKey[]> {
  const { sdk, client, place } = bucket
  const found: StoredKey[] = []
  const seen = new Set<string>()
  let token: string | undefined
  do {
    const page: Awaited<ReturnType<typeof ask>> = await ask(token)
    for (const { Key: key, LastModified: modified } of page.Contents ?? []) {
      const own = key === undefined ? undefined : keys.back(key)
      if (own !== undefined && modified !== undefined)
        found.push({ key: own, modifiedAt: modified.getTime() })
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    if (page.IsTruncated === true && (token === undefined || seen.has(token))) throw endless(bucket)
    if (token !== undefined) seen.add(token)
  } while (token !== undefined)
  return found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))

  function ask(ContinuationToken: string | undefined) {
    const command = new sdk.ListObjectsV2Command({
      Bucket: place.bucket,
      Prefix: prefix,
      ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
    })
    return bucket.send((signal) => client.send(command, { abortSignal: signal }))
  }
}

function endless({ where }: Bucket): DeliverError {
  return new DeliverError('failed', `${where}: the listing says that it goes on, and not where`, {
    fix: 'Use a store that speaks S3 whole.',
  })
}
