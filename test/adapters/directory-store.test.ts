import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDirectoryStore } from '../../src/adapters/directory-store.js'
import { describeStore } from '../contract/store.js'

let base: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'deliver-store-'))
})
afterEach(async () => {
  await rm(base, { recursive: true, force: true })
})

describeStore('the directory store', async () => ({
  store: createDirectoryStore({ directory: join(base, 'store') }),
  scratch: base,
}))

const allFiles = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true })).sort()

describe('a directory store', () => {
  const open = () => createDirectoryStore({ directory: join(base, 'store') })
  const unprivileged = process.getuid?.() !== 0

  it('leaves nothing but the objects', async () => {
    const store = open()
    await store.create('a/b/c', Buffer.from('x'))
    await store.create('a/b/c', Buffer.from('y'))
    expect(await allFiles(join(base, 'store'))).toEqual(['a', 'a/b', 'a/b/c'])
  })

  it('leaves nothing after an upload that was aborted half way', async () => {
    const controller = new AbortController()
    const file = join(base, 'big')
    await writeFile(file, Buffer.alloc(64 * 1024 * 1024))
    const upload = open().create('a/big', { file }, { signal: controller.signal })
    setImmediate(() => controller.abort())
    await expect(upload).rejects.toThrow()
    expect((await allFiles(base)).filter((name) => name.startsWith('store/a/'))).toEqual([])
  })

  it('lists nothing before the first publish, and makes its last part only', async () => {
    expect(await open().list('')).toEqual([])
    expect(await open().readDocument('a/b')).toBeUndefined()
    await open().create('a', Buffer.from('x'))
    expect((await stat(join(base, 'store'))).isDirectory()).toBe(true)
  })

  it.each(['create', 'list', 'readDocument', 'writeDocument', 'size', 'remove'] as const)(
    'says that a mount is missing on %s',
    async (method) => {
      const store = createDirectoryStore({ directory: join(base, 'mnt', 'store') })
      const call = {
        create: () => store.create('a', Buffer.from('x')),
        list: () => store.list(''),
        readDocument: () => store.readDocument('a'),
        writeDocument: () => store.writeDocument('a', 'x', undefined),
        size: () => store.size('a'),
        remove: () => store.remove('a'),
      }[method]
      await expect(call()).rejects.toMatchObject({
        kind: 'precondition',
        fix: expect.stringContaining('Mount') as string,
      })
      expect(await readdir(base)).toEqual([])
    },
  )

  it('refuses a file as its directory', async () => {
    await writeFile(join(base, 'store'), '')
    await expect(open().list('')).rejects.toMatchObject({ kind: 'precondition' })
    await expect(open().create('a', Buffer.from('x'))).rejects.toMatchObject({ kind: 'precondition' })
  })

  it('says so when a file is where a directory should be', async () => {
    await open().create('a', Buffer.from('x'))
    await expect(open().create('a/b', Buffer.from('x'))).rejects.toMatchObject({ kind: 'precondition' })
    expect(await open().size('a/b')).toBeUndefined()
  })

  it.skipIf(!unprivileged)('explains a permission problem, and still reads', async () => {
    await open().writeDocument('a/doc', 'text', undefined)
    for (const directory of ['a/.versions', 'a', '.']) await chmod(join(base, 'store', directory), 0o555)
    await expect(open().create('b', Buffer.from('x'))).rejects.toMatchObject({ kind: 'precondition' })
    expect((await open().readDocument('a/doc'))?.text).toBe('text')
    for (const directory of ['.', 'a', 'a/.versions']) await chmod(join(base, 'store', directory), 0o755)
  })

  it('works through symbolic links, and survives a circle of them', async () => {
    await mkdir(join(base, 'real', 'app'), { recursive: true })
    await symlink(join(base, 'real'), join(base, 'store'))
    await symlink('.', join(base, 'real', 'app', 'again'))
    await open().create('app/x', Buffer.from('x'))
    expect((await open().list('')).map(({ key }) => key)).toEqual(['app/x'])
  })

  it('passes over files that are not of the store', async () => {
    await open().create('app/x', Buffer.from('x'))
    await writeFile(join(base, 'store', 'app', 'a copy (1)'), '')
    await writeFile(join(base, 'store', 'app', '.nfs0001'), '')
    expect((await open().list('')).map(({ key }) => key)).toEqual(['app/x'])
  })

  it('sweeps what dead writers left a day ago, also beside the release, and nothing younger', async () => {
    await open().create('app/releases/r1/archive', Buffer.from('x'))
    const left = join(base, 'store/app/releases/r1/.tmp-dead')
    const young = join(base, 'store/app/releases/r1/.tmp-alive')
    await writeFile(left, 'x')
    await writeFile(young, 'x')
    await utimes(left, new Date(), new Date(Date.now() - 25 * 3_600_000))
    await open().create('app/releases/r2/archive', Buffer.from('x'))
    expect((await readdir(join(base, 'store/app/releases/r1'))).sort()).toEqual(['.tmp-alive', 'archive'])
  })

  it('takes its times from the file system, not from our clock', async () => {
    await open().writeDocument('d', 'x', undefined)
    const version = join(base, 'store/.versions/d.1')
    await utimes(version, new Date(), new Date('2001-01-01T00:00:00Z'))
    const document = await open().readDocument('d')
    expect(document?.modifiedAt).toBe(Date.UTC(2001, 0, 1))
    const fresh = join(base, 'fresh')
    await writeFile(fresh, '')
    expect(Math.abs((document?.now ?? 0) - (await stat(fresh)).mtimeMs)).toBeLessThan(5000)
  })

  describe('the copy for people', () => {
    const copy = (): Promise<string> => readFile(join(base, 'store/d'), 'utf8')

    it('follows the document', async () => {
      const first = await open().writeDocument('d', 'one', undefined)
      expect(await copy()).toBe('one')
      await open().writeDocument('d', 'two', first.outcome === 'written' ? first.version : undefined)
      expect(await copy()).toBe('two')
    })

    it.each([
      ['lags', 'stale'],
      ['is missing', undefined],
    ])('is repaired by a reader when it %s after a crash', async (_, text) => {
      await open().writeDocument('d', 'one', undefined)
      if (text === undefined) await rm(join(base, 'store/d'))
      else await writeFile(join(base, 'store/d'), text)
      expect((await open().readDocument('d'))?.text).toBe('one')
      expect(await copy()).toBe('one')
    })

    it('becomes the document where there are no versions', async () => {
      await mkdir(join(base, 'store'))
      await writeFile(join(base, 'store/d'), 'by hand')
      const document = await open().readDocument('d')
      expect(document?.text).toBe('by hand')
      expect((await open().writeDocument('d', 'x', undefined)).outcome).toBe('conflict')
      expect((await open().writeDocument('d', 'next', document?.version)).outcome).toBe('written')
      expect(await copy()).toBe('next')
    })
  })

  describe('old versions', () => {
    const age = async (n: number, ms: number): Promise<void> => {
      const path = join(base, `store/.versions/d.${n}`)
      await utimes(path, new Date(), new Date(Date.now() - ms))
    }
    const write = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const before = await open().readDocument('d')
        expect((await open().writeDocument('d', `text ${i}`, before?.version)).outcome).toBe('written')
      }
    }
    const numbers = async (): Promise<number[]> =>
      (await readdir(join(base, 'store/.versions')))
        .map((name) => Number(name.split('.')[1]))
        .sort((a, b) => a - b)

    it('are removed down to a few, once they are old', async () => {
      await write(30)
      expect(await numbers()).toHaveLength(31)
      for (let n = 0; n <= 30; n++) await age(n, 3_600_000)
      await write(1)
      expect(await numbers()).toEqual(Array.from({ length: 16 }, (_, i) => i + 16))
    })

    it('are not taken for free by a writer that slept while they were removed', async () => {
      await write(1)
      const old = await open().readDocument('d')
      await write(20)
      // What the clean-up does in time: number 2 is free again, and so is the one below.
      await Promise.all([0, 1, 2].map((n) => rm(join(base, `store/.versions/d.${n}`))))
      expect((await open().writeDocument('d', 'late', old?.version)).outcome).toBe('conflict')
      expect((await open().readDocument('d'))?.text).toBe('text 19')
    })
  })
})
