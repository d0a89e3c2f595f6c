import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import type { LocalBody } from '../../src/execute/local-body.js'
import { openMaterial } from '../../src/execute/material.js'
import type { Store } from '../../src/ports.js'
import { decompress } from '../../src/build/decompressor.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { publish } from './world.js'

async function bytesOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const read = (body: LocalBody): Promise<Buffer> => bytesOf(body.open())
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

// A directory for temporary files that is ours alone, to see what stays in it.
const scratch = mkdtempSync(join(tmpdir(), 'deliver-material-'))
process.env.TMPDIR = scratch
afterAll(() => rmSync(scratch, { recursive: true }))

/** The store, but for what one key reads. */
function damaged(store: Store, part: string, damage: (bytes: Buffer) => Buffer): Store {
  return {
    ...store,
    read: async (key) => {
      const source = await store.read(key)
      return key.includes(part) ? Readable.from([damage(await bytesOf(source))]) : source
    },
  }
}

describe('a release from the store', () => {
  test('can be read again and again, as published and in other compressions', async () => {
    const store = createMemoryStore()
    const record = await publish(store, 'v1', { 'big.txt': 'x'.repeat(300_000) })
    const material = await openMaterial(store, record)
    try {
      const published = await material.archive('gzip')
      expect(sha256(await read(published))).toBe(record.archive.sha256)
      expect(await read(published)).toEqual(await read(published))
      for (const encoding of ['none', 'zstd'] as const) {
        const other = await material.archive(encoding)
        const tar = await bytesOf(decompress(other.open(), encoding))
        expect(sha256(tar)).toBe(record.tar.sha256)
        expect(other).toMatchObject({ size: (await read(other)).length, sha256: sha256(await read(other)) })
      }
      expect(await material.archive('none')).toBe(await material.archive('none'))
      expect(sha256(material.listing)).toBe(record.manifest.digest)
      expect(gunzipSync(await read(published)).length).toBe(record.tar.size)
    } finally {
      await material.close()
    }
  })

  test.each([
    ['an archive that is cut', 'archive', (bytes: Buffer) => bytes.subarray(0, -1), /archive.*bytes/],
    [
      'an archive with a flipped bit',
      'archive',
      (bytes: Buffer) => {
        bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20)
        return bytes
      },
      /archive.*sha256/,
    ],
    ['a manifest that is cut', 'manifest', (bytes: Buffer) => bytes.subarray(0, -1), /manifest.*bytes/],
    [
      'a manifest of something else',
      'manifest',
      (bytes: Buffer) => Buffer.alloc(bytes.length),
      /manifest.*sha256/,
    ],
  ])('%s is refused, and nothing of it stays behind', async (_, part, damage, message) => {
    const store = createMemoryStore()
    const record = await publish(store, 'v1')
    await expect(openMaterial(damaged(store, part, damage), record)).rejects.toThrow(message)
    expect(readdirSync(scratch)).toEqual([])
  })

  test('a manifest that lists another tree than the record says is refused', async () => {
    const store = createMemoryStore()
    const record = await publish(store, 'v1')
    const other = { ...record, manifest: { ...record.manifest, digest: '0'.repeat(64) } }
    await expect(openMaterial(store, other)).rejects.toThrow(/its record says 0000/)
  })

  test('an interrupt ends a download that never would', async () => {
    const store = createMemoryStore()
    const record = await publish(store, 'v1')
    const hanging: Store = {
      ...store,
      read: (key) =>
        key.includes('archive') ? Promise.resolve(new Readable({ read() {} })) : store.read(key),
    }
    const stop = new AbortController()
    const opening = openMaterial(hanging, record, stop.signal)
    setTimeout(() => stop.abort(new Error('interrupted')), 20)
    await expect(opening).rejects.toThrow()
  })
})
