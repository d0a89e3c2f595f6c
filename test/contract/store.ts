import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import type { Store } from '../../src/ports.js'

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}

async function errorOf(promise: Promise<unknown>): Promise<DeliverError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof DeliverError) return error
  throw new Error(`not a DeliverError: ${String(error)}`)
}

export interface StoreSubject {
  readonly store: Store
  /** A directory for files to upload. */
  readonly scratch: string
}

/** What every Store must do. `open` gives an empty one. */
export function describeStore(name: string, open: () => Promise<StoreSubject>): void {
  describe(`${name} as a Store`, () => {
    let store: Store
    let scratch: string
    beforeEach(async () => {
      ;({ store, scratch } = await open())
    })

    describe('objects', () => {
      it('gives back the bytes of a buffer, and of a file larger than any buffer', async () => {
        const big = randomBytes(3 * 1024 * 1024 + 1)
        await writeFile(join(scratch, 'big'), big)
        expect(await store.create('a/small', Buffer.from('hello'))).toBe('created')
        expect(await store.create('a/big', { file: join(scratch, 'big') })).toBe('created')
        expect(await bytesOf(await store.read('a/small'))).toEqual(Buffer.from('hello'))
        expect((await bytesOf(await store.read('a/big'))).equals(big)).toBe(true)
        expect(await store.size('a/big')).toBe(big.length)
      })

      it('takes an empty body', async () => {
        await store.create('empty', Buffer.alloc(0))
        expect(await store.size('empty')).toBe(0)
      })

      it('never overwrites', async () => {
        await store.create('a/b', Buffer.from('first'))
        expect(await store.create('a/b', Buffer.from('second'))).toBe('exists')
        expect((await bytesOf(await store.read('a/b'))).toString()).toBe('first')
      })

      it('lets exactly one of many concurrent writers create', async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, i) => store.create('race', Buffer.from(`${i}`))),
        )
        expect(results.filter((result) => result === 'created')).toHaveLength(1)
        expect((await bytesOf(await store.read('race'))).toString()).toBe(String(results.indexOf('created')))
      })

      it('has no size, and a precondition error, for what is not there', async () => {
        expect(await store.size('no/such')).toBeUndefined()
        expect(await errorOf(store.read('no/such'))).toMatchObject({ kind: 'precondition' })
      })

      it('names the file that can not be read, and creates nothing', async () => {
        const file = join(scratch, 'not-there')
        expect((await errorOf(store.create('x/y', { file }))).message).toContain(file)
        expect(await store.list('')).toEqual([])
      })

      it('creates nothing when aborted', async () => {
        const reason = new Error('stop')
        const signal = AbortSignal.abort(reason)
        await expect(store.create('x', Buffer.from('x'), { signal })).rejects.toBe(reason)
        expect(await store.size('x')).toBeUndefined()
      })

      it('removes, also what is not there', async () => {
        await store.create('a/b', Buffer.from('x'))
        await store.remove('a/b')
        await store.remove('a/b')
        await store.remove('never/was')
        expect(await store.size('a/b')).toBeUndefined()
        expect(await store.create('a/b', Buffer.from('y'))).toBe('created')
      })
    })

    describe('listing', () => {
      it('is sorted, by prefix, also in the middle of a part', async () => {
        for (const key of ['app/b/z', 'app/a/y', 'app/ab', 'other/a'])
          await store.create(key, Buffer.from('x'))
        const keys = async (prefix: string): Promise<string[]> =>
          (await store.list(prefix)).map(({ key }) => key)
        expect(await keys('')).toEqual(['app/a/y', 'app/ab', 'app/b/z', 'other/a'])
        expect(await keys('app/')).toEqual(['app/a/y', 'app/ab', 'app/b/z'])
        expect(await keys('app/a')).toEqual(['app/a/y', 'app/ab'])
        expect(await keys('app/a/')).toEqual(['app/a/y'])
        expect(await keys('none/')).toEqual([])
      })

      it('has documents and their times too', async () => {
        await store.writeDocument('app/env/lock.json', 'x', undefined)
        const [only, ...rest] = await store.list('app/')
        expect(rest).toEqual([])
        const document = await store.readDocument('app/env/lock.json')
        expect(only?.key).toBe('app/env/lock.json')
        expect(Math.abs((only?.modifiedAt ?? 0) - (document?.modifiedAt ?? 0))).toBeLessThan(5000)
      })
    })

    describe('documents', () => {
      const write = async (text: string, expected: string | undefined): Promise<string> => {
        const result = await store.writeDocument('d/doc.json', text, expected)
        if (result.outcome !== 'written') throw new Error('conflict')
        return result.version
      }

      it('is not there at first, then has text, version and times', async () => {
        expect(await store.readDocument('d/doc.json')).toBeUndefined()
        const version = await write('{"é":1}', undefined)
        const document = await store.readDocument('d/doc.json')
        expect(document).toMatchObject({ text: '{"é":1}', version })
        expect((document?.now ?? 0) - (document?.modifiedAt ?? 0)).toBeGreaterThanOrEqual(0)
        expect((document?.now ?? 0) - (document?.modifiedAt ?? 0)).toBeLessThan(10_000)
      })

      it('conflicts on any version but the last', async () => {
        const one = await write('one', undefined)
        expect((await store.writeDocument('d/doc.json', 'x', undefined)).outcome).toBe('conflict')
        const two = await write('two', one)
        expect(two).not.toBe(one)
        expect((await store.writeDocument('d/doc.json', 'x', one)).outcome).toBe('conflict')
        expect((await store.readDocument('d/doc.json'))?.text).toBe('two')
      })

      it('tells versions apart though the text is the same', async () => {
        const one = await write('same', undefined)
        await write('same', one)
        expect((await store.writeDocument('d/doc.json', 'x', one)).outcome).toBe('conflict')
      })

      it('is gone after a removal, and no version from before is valid again', async () => {
        const one = await write('one', undefined)
        await store.remove('d/doc.json')
        expect(await store.readDocument('d/doc.json')).toBeUndefined()
        expect(await store.list('d/')).toEqual([])
        expect((await store.writeDocument('d/doc.json', 'x', one)).outcome).toBe('conflict')
        const again = await write('again', undefined)
        expect(again).not.toBe(one)
      })

      it('lets exactly one of many writers win each round, the first included', async () => {
        let expected: string | undefined
        for (let round = 0; round < 5; round++) {
          const texts = Array.from({ length: 20 }, (_, i) => `${round}-${i}`)
          const results = await Promise.all(
            texts.map((text) => store.writeDocument('d/doc.json', text, expected)),
          )
          const won = results.flatMap((result, i) =>
            result.outcome === 'written' ? [{ ...result, text: texts[i] }] : [],
          )
          expect(won).toHaveLength(1)
          const document = await store.readDocument('d/doc.json')
          expect(document).toMatchObject({ text: won[0]?.text, version: won[0]?.version })
          expected = document?.version
        }
      })

      it('refuses an empty text', async () => {
        await expect(store.writeDocument('d/doc.json', '', undefined)).rejects.toThrow(RangeError)
      })
    })

    it.each([
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/../b',
      'a/..',
      '.hidden',
      'a/.versions/x',
      'a b',
      'a\0b',
      'é',
      'a\nb',
      'x'.repeat(901),
    ])('refuses the key %j', async (key) => {
      const kinds = await Promise.all([
        errorOf(store.create(key, Buffer.from('x'))),
        errorOf(store.size(key)),
        errorOf(store.read(key)),
        errorOf(store.remove(key)),
        errorOf(store.readDocument(key)),
        errorOf(store.writeDocument(key, 'x', undefined)),
      ])
      expect(kinds.map((error) => error.kind)).toEqual(Array(6).fill('usage'))
    })

    it.each(['../', '/', 'a/../', '.v'])('refuses the prefix %j', async (prefix) => {
      expect((await errorOf(store.list(prefix))).kind).toBe('usage')
    })
  })
}
