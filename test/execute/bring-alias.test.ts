import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { createDirectoryAlias } from '../../src/adapters/directory-alias.js'
import { bringAlias } from '../../src/execute/bring-alias.js'
import { decompress } from '../../src/build/decompressor.js'
import type { Encoding } from '../../src/remote/verbs.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { publish } from './world.js'

const scratch = mkdtempSync(join(tmpdir(), 'deliver-alias-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

async function unpacked(bytes: Buffer, encoding: Encoding): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of decompress(Readable.from([bytes]), encoding)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('the alias', () => {
  test.each([
    ['api/api.tar', 'none'],
    ['api/api.tar.gz', 'gzip'],
    ['api/api.tgz', 'gzip'],
    ['api/api.tar.zst', 'zstd'],
    // As published.
    ['api/current', 'gzip'],
  ] as const)('%s is packed as its name says, and written only when it has to be', async (key, encoding) => {
    const store = createMemoryStore()
    const alias = createDirectoryAlias({ directory: scratch, key })
    const first = await publish(store, 'v1', { 'a.txt': 'one' })
    const second = await publish(store, 'v2', { 'a.txt': 'two' })
    for (const record of [first, second, first]) {
      expect(await bringAlias({ store, alias, key, record })).toBe(true)
      const bytes = readFileSync(join(scratch, key))
      expect(sha256(await unpacked(bytes, encoding))).toBe(record.tar.sha256)
      expect(await bringAlias({ store, alias, key, record })).toBe(false)
      expect(readFileSync(join(scratch, key))).toEqual(bytes)
    }
  })

  test.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['somebody’s own', () => Buffer.from('not an archive')],
    ['empty', () => Buffer.alloc(0)],
  ])('%s bytes are put right', async (_what, damage) => {
    const store = createMemoryStore()
    for (const key of ['x/api.tar', 'x/api.tar.gz']) {
      const alias = createDirectoryAlias({ directory: scratch, key })
      const record = await publish(store, `v-${key.length}`, { 'a.txt': 'one' })
      await bringAlias({ store, alias, key, record })
      const right = readFileSync(join(scratch, key))
      writeFileSync(join(scratch, key), damage(right))
      expect(await bringAlias({ store, alias, key, record })).toBe(true)
      expect(readFileSync(join(scratch, key))).toEqual(right)
    }
  })

  test('stays as it is when the release in the store is damaged', async () => {
    const store = createMemoryStore()
    const key = 'y/api.tar'
    const alias = createDirectoryAlias({ directory: scratch, key })
    const first = await publish(store, 'v1', { 'a.txt': 'one' })
    const second = await publish(store, 'v2', { 'a.txt': 'two' })
    await bringAlias({ store, alias, key, record: first })
    const damaged = {
      ...store,
      read: async (name: string) =>
        name.includes('/archive.') ? Readable.from([Buffer.from('damaged')]) : store.read(name),
    }
    await expect(bringAlias({ store: damaged, alias, key, record: second })).rejects.toThrow(
      'its record says',
    )
    expect(await bringAlias({ store, alias, key, record: first })).toBe(false)
  })
})
