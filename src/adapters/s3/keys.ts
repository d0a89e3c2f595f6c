import { checkKey, checkKeyPrefix } from '../../store/key.js'

/** Between the keys of the store and those of the bucket, which start with the prefix. */
export interface Keys {
  /** The bucket's key. Throws for what can't be a key. */
  of(key: string): string
  ofPrefix(prefix: string): string
  /** The store's key; undefined for an object that can't be the store's. */
  back(bucketKey: string): string | undefined
}

export function keysUnder(prefix: string): Keys {
  const base = prefix === '' ? '' : `${prefix}/`
  return {
    of(key) {
      checkKey(key)
      return base + key
    },
    ofPrefix(start) {
      checkKeyPrefix(start)
      return base + start
    },
    back(bucketKey) {
      if (!bucketKey.startsWith(base)) return undefined
      const key = bucketKey.slice(base.length)
      try {
        checkKey(key)
        return key
      } catch {
        // A folder that somebody made in the console, or another tool's file.
        return undefined
      }
    },
  }
}
