import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ReadyDeltas } from '../../src/execute/ready-deltas.js'
import { readyDeltaKeys } from '../../src/store/layout.js'
import { findReadyDelta, keepReadyDelta, type ReadyDelta } from '../../src/store/ready-deltas.js'
import type { ReleaseRecord } from '../../src/release/release.js'
import { createMemoryStore } from '../fakes/memory-store.js'

const bytes = Buffer.from('a patch and a tar')
const digest = 'd'.repeat(64)
const baseDigest = 'b'.repeat(64)
const body = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
const record: ReleaseRecord = {
  version: 1,
  app: 'api',
  release: 'v2',
  commit: 'c'.repeat(40),
  source: { commit: 'd'.repeat(40), author: 'author', subject: 'subject', time: '2030-01-01T00:00:00Z' },
  archive: { ...body, format: 'tar.zst' },
  tar: body,
  manifest: { ...body, file: 'manifest.json.gz', entries: 3, bytes: 9, digest },
}
const delta: ReadyDelta = {
  ...{ base: { release: 'v1', digest: baseDigest }, shared: ['log'], encoding: 'zstd' },
  ...{ ...body, patchSize: 7, sent: 1, entries: 3 },
}

test('what was kept is found, for that base and these shared paths only', async () => {
  const store = createMemoryStore()
  await keepReadyDelta(store, record, delta, bytes)
  await keepReadyDelta(store, record, delta, bytes)
  const wanted = { record, baseDigest, shared: ['log'] }
  expect(await findReadyDelta(store, wanted)).toMatchObject(delta)
  expect(await findReadyDelta(store, { ...wanted, baseDigest: 'e'.repeat(64) })).toBeUndefined()
  expect(await findReadyDelta(store, { ...wanted, shared: [] })).toBeUndefined()
  const other = { ...record, manifest: { ...record.manifest, digest: 'e'.repeat(64) } }
  expect(await findReadyDelta(store, { ...wanted, record: other })).toBeUndefined()
})

describe('for hosts', () => {
  test('it is read once, and its bytes are those of its record', async () => {
    const store = createMemoryStore()
    await keepReadyDelta(store, record, delta, bytes)
    const ready = new ReadyDeltas(store, record, ['log'])
    const found = await ready.find(baseDigest)
    expect(found).toBe(await ready.find(baseDigest))
    const chunks: unknown[] = []
    for await (const chunk of found?.body.open() ?? []) chunks.push(chunk)
    expect(chunks).toEqual([bytes])
  })

  const damages: Record<string, { readonly record?: string; readonly body?: Buffer }> = {
    'no record': {},
    'a record that is no JSON': { record: '{', body: bytes },
    'a record of a newer version': { record: '{"version":2}', body: bytes },
    'a body that is cut': { body: bytes.subarray(1) },
    'another body': { body: Buffer.alloc(bytes.length) },
    'no body': { record: JSON.stringify({ version: 1, digest, ...delta }) },
  }
  test.each(Object.entries(damages))('%s: as if there were none', async (what, damage) => {
    const store = createMemoryStore()
    const keys = readyDeltaKeys('api', 'v2', { baseDigest, shared: ['log'] })
    const good = JSON.stringify({ version: 1, digest, ...delta })
    if (damage.body !== undefined) await store.create(keys.body, damage.body)
    if (what !== 'no record') await store.create(keys.record, Buffer.from(damage.record ?? good))
    expect(await new ReadyDeltas(store, record, ['log']).find(baseDigest)).toBeUndefined()
  })
})
