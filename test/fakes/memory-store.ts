import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DeliverError } from '../../src/errors.js'
import type { Clock, Store } from '../../src/ports.js'
import { checkKey, checkKeyPrefix } from '../../src/store/key.js'

interface Entry {
  readonly body: Buffer
  readonly modifiedAt: number
  readonly version: string
}

/** A store in memory, for tests of what is built on one. Its clock is the one given. */
export function createMemoryStore(clock: Pick<Clock, 'now'> = { now: () => Date.now() }): Store {
  const entries = new Map<string, Entry>()
  let versions = 0
  const put = (key: string, body: Buffer): Entry => {
    const entry = { body, modifiedAt: clock.now(), version: `v${++versions}` }
    entries.set(key, entry)
    return entry
  }

  return {
    name: 'memory',
    async create(key, body, { signal } = {}) {
      checkKey(key)
      const bytes = Buffer.isBuffer(body) ? Buffer.from(body) : await source(body.file)
      signal?.throwIfAborted()
      if (entries.has(key)) return 'exists'
      put(key, bytes)
      return 'created'
    },
    async size(key) {
      checkKey(key)
      return entries.get(key)?.body.length
    },
    async read(key) {
      checkKey(key)
      const entry = entries.get(key)
      if (entry === undefined) throw new DeliverError('precondition', `memory: there is no ${key}`)
      return Readable.from([entry.body])
    },
    async list(prefix) {
      checkKeyPrefix(prefix)
      return [...entries]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { modifiedAt }]) => ({ key, modifiedAt }))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
    },
    async remove(key) {
      checkKey(key)
      entries.delete(key)
    },
    async readDocument(key) {
      checkKey(key)
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      const { body, modifiedAt, version } = entry
      return { text: body.toString(), modifiedAt, version, now: clock.now() }
    },
    async writeDocument(key, text, expected) {
      checkKey(key)
      if (text === '') throw new RangeError('a document is not empty')
      if (entries.get(key)?.version !== expected) return { outcome: 'conflict' }
      return { outcome: 'written', version: put(key, Buffer.from(text)).version }
    },
  }
}

async function source(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw new DeliverError('precondition', `${file} can't be read`, { cause })
  })
}
