import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'

export interface DecidedWrite {
  readonly store: Store
  readonly key: string
  readonly text: string
  readonly expected: string | undefined
  /** Whether a text in the store is the one that this call writes: it needs a nonce. */
  readonly isOurs: (text: string) => boolean
}

const attempts = 3

/**
 * A conditional write whose answer may get lost on the way. What happened is decided by reading, never by the answer.
 * Undefined: somebody else's write came first.
 */
export async function decidedWrite(write: DecidedWrite): Promise<string | undefined> {
  const { store, key, text, expected } = write
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await store.writeDocument(key, text, expected)
      if (result.outcome === 'written') return result.version
      // A repeated request meets its own first try.
      return await ownVersion(write)
    } catch (error) {
      const found = await store.readDocument(key).catch(() => {
        throw error
      })
      if (found !== undefined && write.isOurs(found.text)) return found.version
      if (found?.version !== expected) return undefined
      const permanent = error instanceof DeliverError && error.kind !== 'failed'
      if (permanent || attempt === attempts) throw error
    }
  }
}

async function ownVersion({ store, key, isOurs }: DecidedWrite): Promise<string | undefined> {
  const found = await store.readDocument(key)
  return found !== undefined && isOurs(found.text) ? found.version : undefined
}
