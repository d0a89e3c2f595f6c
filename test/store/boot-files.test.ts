import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { listingBytes } from '../../src/release/listing.js'
import { encodeManifest, makeManifest } from '../../src/release/manifest.js'
import { ensureBootFiles } from '../../src/store/boot-files.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { exampleRecord } from './examples.js'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const text = Buffer.from('#!/bin/sh\n')
const agent = { text, sha256: sha256(text), file: 'agent-0123456789abcdef.sh' }
const manifest = makeManifest([
  { type: 'file', path: Buffer.from('a/b'), size: 1, sha256: 'e'.repeat(64), executable: true },
])
const listing = listingBytes(manifest)
const record = {
  ...exampleRecord('v1'),
  manifest: { ...exampleRecord('v1').manifest, digest: sha256(listing) },
}

async function published() {
  const store = createMemoryStore()
  await store.create('api/releases/v1/manifest.json.gz', await encodeManifest(manifest))
  return store
}

async function read(store: ReturnType<typeof createMemoryStore>, key: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of (await store.read(key)) as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('what a server needs to boot', () => {
  it('is made for a release that was published without it, once', async () => {
    const store = await published()
    const files = await ensureBootFiles(store, record, agent)
    expect(files).toEqual({
      agent: { key: 'api/agents/agent-0123456789abcdef.sh', size: text.length, sha256: agent.sha256 },
      listing: { key: 'api/releases/v1/listing', size: listing.length, sha256: record.manifest.digest },
    })
    expect(await read(store, files.agent.key)).toEqual(text)
    expect(await read(store, files.listing.key)).toEqual(listing)
    expect(await ensureBootFiles(store, record, agent)).toEqual(files)
  })

  it('is never made of a manifest that the record does not name', async () => {
    const store = await published()
    await expect(ensureBootFiles(store, exampleRecord('v1'), agent)).rejects.toMatchObject({ kind: 'failed' })
    expect((await store.list('')).map(({ key }) => key)).toEqual(['api/releases/v1/manifest.json.gz'])
  })

  it.each(['api/agents/agent-0123456789abcdef.sh', 'api/releases/v1/listing'])(
    'is not believed when somebody else wrote %s',
    async (key) => {
      const store = await published()
      // As long as the right one: only its content tells.
      const { length } = key.endsWith('listing') ? listing : text
      await store.create(key, Buffer.alloc(length, 'x'))
      await expect(ensureBootFiles(store, record, agent)).rejects.toMatchObject({
        kind: 'precondition',
        message: expect.stringContaining(key) as string,
      })
    },
  )
})
