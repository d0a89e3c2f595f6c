import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Alias, AliasContent } from '../../src/ports.js'

export interface AliasSubject {
  readonly alias: Alias
  /** For files to put there. */
  readonly scratch: string
  /** What a script that knows only the key gets; undefined: nothing. */
  read(): Promise<Buffer | undefined>
  /** What another tool puts there. */
  overwrite(bytes: Buffer): Promise<void>
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}

const content = (label: string, bytes: Buffer): AliasContent => ({
  label,
  matches: async (stream) => (await bytesOf(stream)).equals(bytes),
})

/** What every Alias must do. `open` gives one that holds nothing yet. */
export function describeAlias(name: string, open: () => Promise<AliasSubject>): void {
  describe(`${name} as an Alias`, () => {
    let subject: AliasSubject
    const one = Buffer.from('the first release')
    const two = Buffer.alloc(9 * 1024 * 1024, 'the second release ')
    const put = async (label: string, bytes: Buffer): Promise<void> => {
      const file = join(subject.scratch, 'content')
      await writeFile(file, bytes)
      await subject.alias.replace(file, content(label, bytes))
    }
    beforeEach(async () => {
      subject = await open()
    })

    it('holds nothing at first', async () => {
      expect(await subject.alias.holds(content('one', one))).toBe(false)
      expect(await subject.read()).toBeUndefined()
    })

    it('holds what was put there last, small or large, and nothing else', async () => {
      await put('one', one)
      expect(await subject.read()).toEqual(one)
      expect(await subject.alias.holds(content('one', one))).toBe(true)
      expect(await subject.alias.holds(content('two', two))).toBe(false)
      await put('two', two)
      expect((await subject.read())?.equals(two)).toBe(true)
      expect(await subject.alias.holds(content('one', one))).toBe(false)
      expect(await subject.alias.holds(content('two', two))).toBe(true)
    })

    it('notices that somebody else wrote there', async () => {
      await put('one', one)
      await subject.overwrite(Buffer.from('by hand'))
      expect(await subject.alias.holds(content('one', one))).toBe(false)
      await put('one', one)
      expect(await subject.read()).toEqual(one)
    })

    it('stays as it is when aborted', async () => {
      await put('one', one)
      const reason = new Error('stop')
      const file = join(subject.scratch, 'content')
      const aborted = subject.alias.replace(file, content('two', two), AbortSignal.abort(reason))
      await expect(aborted).rejects.toBe(reason)
      expect(await subject.read()).toEqual(one)
      expect(await subject.alias.holds(content('one', one))).toBe(true)
    })
  })
}
