import { describe, expect, it } from 'vitest'
import { listReleases, newestRelease, readRelease } from '../../src/store/releases.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { exampleRecord } from './examples.js'

const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('releases of the store', () => {
  it('are read back as they were published, without a branch too', async () => {
    const store = createMemoryStore()
    const { commit, author, subject, time } = exampleRecord('v2').source
    const source = { commit, author, subject, time }
    for (const record of [exampleRecord('v1'), { ...exampleRecord('v2'), source }]) {
      await store.create(`api/releases/${record.release}/release.json`, encode(record))
      expect(await readRelease(store, 'api', record.release)).toEqual(record)
    }
    expect(await readRelease(store, 'api', 'v3')).toBeUndefined()
  })

  it('are listed by the time that the store knows, newest first, only if whole', async () => {
    let now = 5000
    const store = createMemoryStore({ now: () => now })
    await store.create('api/releases/zz/release.json', Buffer.from('{}'))
    await store.create('api/releases/half/archive.tar', Buffer.from('x'))
    now = 9000
    for (const release of ['r-9', 'r-10'])
      await store.create(`api/releases/${release}/release.json`, Buffer.from('{}'))
    await store.create('other/releases/r-99/release.json', Buffer.from('{}'))
    expect(await listReleases(store, 'api')).toEqual([
      { release: 'r-10', publishedAt: 9000 },
      { release: 'r-9', publishedAt: 9000 },
      { release: 'zz', publishedAt: 5000 },
    ])
    expect(await newestRelease(store, 'api')).toBe('r-10')
    expect(await newestRelease(store, 'web')).toBeUndefined()
  })

  const good = exampleRecord('v1')
  it.each<[string, unknown]>([
    ['no JSON', 'text {'],
    ['a list', []],
    ['null', null],
    ['another version', { ...good, version: 2 }],
    ['another app', { ...good, app: 'web' }],
    ['another release', { ...good, release: 'v2' }],
    ['a digest with a path', { ...good, archive: { ...good.archive, sha256: '../../x' } }],
    ['a negative size', { ...good, archive: { ...good.archive, size: -1 } }],
    ['a huge size', { ...good, tar: { ...good.tar, size: 1e300 } }],
    ['an unknown format', { ...good, archive: { ...good.archive, format: 'zip' } }],
    ['a manifest elsewhere', { ...good, manifest: { ...good.manifest, file: '../manifest.json' } }],
    ['an option for a commit', { ...good, commit: '--output=x' }],
    ['a digest with a line after it', { ...good, tar: { ...good.tar, sha256: `${good.tar.sha256}\n` } }],
    ['no source', { ...good, source: undefined }],
    ['a number for a subject', { ...good, source: { ...good.source, subject: 1 } }],
  ])('are refused when the record is damaged: %s', async (_, value) => {
    const store = createMemoryStore()
    const body = typeof value === 'string' ? Buffer.from(value) : encode(value)
    await store.create('api/releases/v1/release.json', body)
    await expect(readRelease(store, 'api', 'v1')).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringContaining('api/releases/v1/release.json') as string,
    })
  })
})
