import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodePax, parsePax } from '../../src/build/pax.js'
import { TarReader } from '../../src/build/tar-reader.js'
import { scratchDirectory } from './repository.js'

interface Read {
  type: string
  path: string
  target: string
  content: string
  mode: number
}

function read(tar: Buffer, chunk = 65536): Read[] {
  const members: Read[] = []
  const reader = new TarReader({
    member: ({ type, path, target, mode }) => {
      members.push({
        type,
        path: path.toString('latin1'),
        target: target.toString('latin1'),
        content: '',
        mode,
      })
    },
    content: (bytes) => {
      const last = members.at(-1)
      if (last !== undefined) last.content += bytes.toString('latin1')
    },
  })
  for (let at = 0; at < tar.length; at += chunk) reader.push(tar.subarray(at, at + chunk))
  reader.end()
  return members
}

const long = `${'d'.repeat(120)}/${'f'.repeat(180)}`

function sample(format: string): Buffer {
  const root = scratchDirectory()
  mkdirSync(join(root, 'd'.repeat(120)))
  writeFileSync(join(root, long), 'long')
  writeFileSync(join(root, 'empty'), '')
  writeFileSync(join(root, 'block'), 'x'.repeat(512))
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x0a, 0xe9])]), 'bytes', {
    mode: 0o755,
  })
  symlinkSync('t'.repeat(150), join(root, 'link'))
  const names = execFileSync('find', ['.', '-mindepth', '1', '-print0'], { cwd: root })
  return execFileSync('tar', [`--format=${format}`, '--no-recursion', '--null', '-T', '-', '-cf', '-'], {
    cwd: root,
    input: names,
  })
}

/** One header, its content, the end mark. */
function crafted(
  fields: { name?: string; type?: string; size?: number; link?: string; content?: Buffer },
  end = true,
): Buffer {
  const block = Buffer.alloc(512)
  block.write(fields.name ?? 'file', 0)
  block.write('0000644\0', 100)
  block.write(`${(fields.size ?? fields.content?.length ?? 0).toString(8).padStart(11, '0')}\0`, 124)
  block.write(fields.type ?? '0', 156)
  block.write(fields.link ?? '', 157)
  block.write('ustar\x0000', 257)
  block.fill(0x20, 148, 156)
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  const content = fields.content ?? Buffer.alloc(0)
  return Buffer.concat([
    block,
    content,
    Buffer.alloc((512 - (content.length % 512)) % 512),
    ...(end ? [Buffer.alloc(1024)] : []),
  ])
}

describe('TarReader', () => {
  it.each(['pax', 'gnu'])('reads what GNU tar writes as %s, in chunks of any size', (format) => {
    const tar = sample(format)
    const whole = read(tar)
    const byPath = new Map(whole.map((member) => [member.path.replace(/^\.\//, ''), member]))
    expect([...byPath.keys()].sort()).toEqual(
      ['block', 'd'.repeat(120), long, 'empty', 'link', '\xff\n\xe9'].sort(),
    )
    expect(byPath.get(long)?.content).toBe('long')
    expect(byPath.get('\xff\n\xe9')).toMatchObject({ type: 'file', content: 'bytes', mode: 0o755 })
    expect(byPath.get('link')).toMatchObject({ type: 'link', target: 't'.repeat(150) })
    expect(byPath.get('d'.repeat(120))).toMatchObject({ type: 'directory' })
    for (const chunk of [1, 7, 511, 512, 513]) expect(read(tar, chunk)).toEqual(whole)
  })

  it('refuses an archive that is cut anywhere', () => {
    const tar = sample('pax')
    const end = tar.toString('latin1').replace(/\0+$/, '').length
    for (let at = 0; at < end + 512; at += 97) expect(() => read(tar.subarray(0, at))).toThrow(/end mark/)
  })

  it('refuses a header with any bit turned', () => {
    fc.assert(
      fc.property(fc.nat(511), fc.nat(7), (byte, bit) => {
        const tar = crafted({ content: Buffer.from('x') })
        tar[byte] = (tar[byte] ?? 0) ^ (1 << bit)
        // A bit in the sum's own field may leave its number as it is.
        fc.pre(byte < 148 || byte >= 156)
        expect(() => read(tar)).toThrow(/damaged/)
      }),
    )
  })

  it.each([
    ['a hard link', { type: '1', link: 'other' }],
    ['a character device', { type: '3' }],
    ['a block device', { type: '4' }],
    ['a FIFO', { type: '6' }],
    ['a sparse file', { type: 'S', content: Buffer.alloc(512) }],
    ['an unknown kind', { type: 'Z' }],
    ['a symlink with content', { type: '2', link: 'a', content: Buffer.from('x') }],
    ['an empty pax header', { type: 'x' }],
    ['a pax header that is no records', { type: 'x', content: Buffer.from('nonsense') }],
    ['a pax header with a NUL', { type: 'x', content: encodePax(new Map([['path', Buffer.from('a\0b')]])) }],
    ['a path for all members', { type: 'g', content: encodePax(new Map([['path', Buffer.from('a')]])) }],
    ['a huge pax header', { type: 'x', size: 1 << 30 }],
  ])('refuses %s', (_, fields) => {
    expect(() => read(Buffer.concat([crafted(fields, false), crafted({})]))).toThrow(/archive can't be read/)
  })

  it('refuses members after the end mark, which some readers see and others do not', () => {
    expect(() => read(Buffer.concat([crafted({}), crafted({})]))).toThrow(/after its end mark/)
  })

  it('never crashes or hangs on noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
        try {
          read(Buffer.from(bytes))
        } catch (error) {
          expect(error).toMatchObject({ name: 'DeliverError' })
        }
      }),
    )
  })

  it('takes a size from pax that no octal field can hold, without reading it all', () => {
    const size = 9_000_000_000
    const pax = crafted(
      { type: 'x', content: encodePax(new Map([['size', Buffer.from(String(size))]])) },
      false,
    )
    const sizes: number[] = []
    const reader = new TarReader({
      member: (member) => void sizes.push(member.size),
      content: () => undefined,
    })
    reader.push(Buffer.concat([pax, crafted({}, false)]))
    expect(sizes).toEqual([size])
  })

  it('reads an empty archive', () => {
    expect(read(Buffer.alloc(10240))).toEqual([])
    expect(read(gunzipSync(execFileSync('sh', ['-c', 'tar -cf - -T /dev/null | gzip'])))).toEqual([])
  })
})

describe('pax records', () => {
  it('come back as they were', () => {
    const value = fc
      .uint8Array({ maxLength: 1200 })
      .map((bytes) => Buffer.from(bytes).map((byte) => byte || 1))
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z.]{1,12}$/), value), (values) => {
        const records = new Map(Object.entries(values).map(([name, bytes]) => [name, Buffer.from(bytes)]))
        expect(parsePax(encodePax(records))).toEqual(records)
      }),
    )
  })
})
