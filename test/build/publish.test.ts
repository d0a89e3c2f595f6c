import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDirectoryStore } from '../../src/adapters/directory-store.js'
import { openGit } from '../../src/adapters/git.js'
import { archiveRelease, type ArchiveResult } from '../../src/build/archive.js'
import { publishRelease, type PublishResult } from '../../src/build/publish.js'
import type { Store } from '../../src/ports.js'
import { listReleases, readRelease } from '../../src/store/releases.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { appRepository, commit, recorder, scratchDirectory, write } from './repository.js'

async function built(level?: number, dependency = 'x'.repeat(5_000)): Promise<ArchiveResult> {
  const directory = appRepository()
  write(directory, {
    'node_modules/big': `${dependency}${Array.from({ length: 2_000 }, (_, i) => i * 7).join()}`,
  })
  await commit(directory)
  return archiveRelease({
    git: await openGit(directory),
    reporter: recorder(),
    app: 'api',
    release: 'r1',
    format: 'tar.gz',
    level,
  })
}

async function publish(store: Store, { record, files }: ArchiveResult): Promise<PublishResult> {
  return publishRelease({ store, reporter: recorder(), record, files })
}

async function bytesOf(store: Store, key: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of (await store.read(key)) as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A store in which the n-th creation fails. */
function failing(store: Store, at: number): Store {
  let calls = 0
  return {
    ...store,
    create: async (...args) => {
      if (++calls === at) throw new Error('store went away')
      return store.create(...args)
    },
  }
}

describe('publishRelease', () => {
  it('puts files there again that a prune took for leftovers while there was no record', async () => {
    const store = createMemoryStore()
    const archive = await built()
    const pruned: Store = {
      ...store,
      create: async (key, ...rest) => {
        if (key.endsWith('/release.json'))
          for (const { key: file } of await store.list('api/releases/r1/')) await store.remove(file)
        return store.create(key, ...rest)
      },
    }
    expect((await publish(pruned, archive)).outcome).toBe('published')
    const kept = (await store.list('api/releases/r1/')).map(({ key }) => key.split('/').at(-1))
    expect(kept).toEqual(['archive.tar.gz', 'listing', 'manifest.json.gz', 'release.json'])
  })

  it('puts archive, manifest and record where they belong', async () => {
    const store = createDirectoryStore({ directory: join(scratchDirectory(), 'store') })
    const archive = await built()
    expect(await publish(store, archive)).toEqual({ outcome: 'published', record: archive.record })
    expect(await bytesOf(store, 'api/releases/r1/archive.tar.gz')).toEqual(
      readFileSync(archive.files.archive),
    )
    expect(await bytesOf(store, 'api/releases/r1/manifest.json.gz')).toEqual(
      readFileSync(archive.files.manifest),
    )
    const listing = await bytesOf(store, 'api/releases/r1/listing')
    expect(createHash('sha256').update(listing).digest('hex')).toBe(archive.record.manifest.digest)
    expect(await readRelease(store, 'api', 'r1')).toEqual(archive.record)
    expect(await publish(store, archive)).toEqual({ outcome: 'unchanged', record: archive.record })
  })

  it.each([1, 2, 3, 4])(
    'publishes nothing when its write %i fails, and ends well when run again',
    async (at) => {
      const store = createMemoryStore()
      const archive = await built()
      await expect(publish(failing(store, at), archive)).rejects.toThrow('store went away')
      expect(await listReleases(store, 'api')).toEqual([])
      expect((await publish(store, archive)).outcome).toBe('published')
    },
  )

  it('takes the same tree that was compressed elsewhere for the same release', async () => {
    const store = createMemoryStore()
    const first = await built(9)
    await publish(store, first)
    const second = await built(1)
    expect(second.record.archive.sha256).not.toBe(first.record.archive.sha256)
    expect(await publish(store, second)).toEqual({ outcome: 'unchanged', record: first.record })
  })

  it('never changes a published release', async () => {
    const store = createMemoryStore()
    const first = await built()
    await publish(store, first)
    await expect(publish(store, await built(undefined, 'y'))).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(/published with another tree/) as string,
    })
    expect(await readRelease(store, 'api', 'r1')).toEqual(first.record)
  })

  it('does not build on other bytes that a stopped publish left', async () => {
    const store = createMemoryStore()
    await store.create('api/releases/r1/archive.tar.gz', Buffer.from('other'))
    await expect(publish(store, await built())).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(/archive\.tar\.gz has other bytes/) as string,
    })
    expect(await listReleases(store, 'api')).toEqual([])
  })

  it('does not publish an archive that changed after it was made', async () => {
    const store = createMemoryStore()
    const archive = await built()
    appendFileSync(archive.files.archive, 'x')
    await expect(publish(store, archive)).rejects.toThrow(/not as its record says/)
    await expect(
      publish(store, { ...archive, files: { ...archive.files, archive: '/nonexistent' } }),
    ).rejects.toThrow(/missing/)
    expect(await store.list('')).toEqual([])
  })

  it('is done by one of two at once, and both end well', async () => {
    const store = createMemoryStore()
    const archive = await built()
    const results = await Promise.all([publish(store, archive), publish(store, archive)])
    expect(results.map((each) => each.outcome).sort()).toEqual(['published', 'unchanged'])
  })
})
