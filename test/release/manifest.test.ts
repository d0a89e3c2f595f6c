import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeManifest, encodeManifest, makeManifest, parseManifest } from '../../src/release/manifest.js'
import type { ManifestEntry } from '../../src/release/release.js'

const sha256 = '0'.repeat(64)

function file(path: string | Buffer, executable = false): ManifestEntry {
  return { type: 'file', path: Buffer.from(path), size: 1, sha256, executable }
}

function json(...entries: unknown[]): string {
  return JSON.stringify({ version: 1, entries })
}

const good = { type: 'file', path: 'a', size: 1, sha256 }

describe('a manifest', () => {
  it('comes back as it was, whatever the bytes of its names', async () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => {
      return Buffer.from(bytes).map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))
    })
    const safe = name.filter((bytes) => !['.', '..'].includes(Buffer.from(bytes).toString('latin1')))
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(safe, { selector: (bytes) => bytes.join() }),
        name,
        fc.boolean(),
        async (names, target, executable) => {
          const entries = names.map((bytes, index): ManifestEntry => {
            const path = Buffer.concat([Buffer.from(`${index % 3}/`), bytes])
            return index % 2 === 0
              ? file(path, executable)
              : { type: 'link', path, target: Buffer.from(target) }
          })
          const manifest = makeManifest(entries)
          expect(await decodeManifest(await encodeManifest(manifest))).toEqual(manifest)
        },
      ),
    )
  })

  it('has each directory, and is sorted by bytes', () => {
    const manifest = makeManifest([
      file('b/c/d'),
      file('b.x'),
      file('b-x'),
      file(Buffer.from([0xff])),
      { type: 'directory', path: Buffer.from('e') },
    ])
    expect(manifest.entries.map((entry) => `${entry.type} ${entry.path.toString('latin1')}`)).toEqual([
      'directory b',
      'file b-x',
      'file b.x',
      'directory b/c',
      'file b/c/d',
      'directory e',
      'file \xff',
    ])
  })

  it.each([
    ['no JSON', '{'],
    ['another version', '{"version":2,"entries":[]}'],
    ['entries that are no array', '{"version":1,"entries":{}}'],
    ['an entry that is no object', json('a')],
    ['an array as entry', json([])],
    ['an unknown type', json({ ...good, type: 'device' })],
    ['an absolute path', json({ ...good, path: '/etc/passwd' })],
    ['a path that climbs', json({ ...good, path: 'a/../../b' })],
    ['a path with a dot', json({ ...good, path: './a' })],
    ['an empty path', json({ ...good, path: '' })],
    ['an empty part', json({ ...good, path: 'a//b' })],
    ['a slash at the end', json({ ...good, path: 'a/' })],
    ['a NUL in a path', json({ ...good, path: 'a\0b' })],
    ['half a surrogate pair', '{"version":1,"entries":[{"type":"directory","path":"\\ud800"}]}'],
    ['a name of 256 bytes', json({ ...good, path: 'x'.repeat(256) })],
    ['base64 that is none', json({ ...good, path: { base64: 'a?' } })],
    [
      'base64 of a climbing path',
      json({ ...good, path: { base64: Buffer.from('../x').toString('base64') } }),
    ],
    ['a negative size', json({ ...good, size: -1 })],
    ['a size that is text', json({ ...good, size: '1' })],
    ['a size with a fraction', json({ ...good, size: 1.5 })],
    ['a short hash', json({ ...good, sha256: 'abc' })],
    ['executable that is text', json({ ...good, executable: 'false' })],
    ['a link without target', json({ type: 'link', path: 'a' })],
    ['a link to nothing', json({ type: 'link', path: 'a', target: '' })],
    ['a path twice', json(good, good)],
    ['a path twice in two spellings', json(good, { ...good, path: { base64: 'YQ==' } })],
    ['paths out of order', json({ ...good, path: 'b' }, good)],
    ['a file below a file', json(good, { ...good, path: 'a/b' })],
    ['a file below a link', json({ type: 'link', path: 'a', target: '/etc' }, { ...good, path: 'a/b' })],
    [
      'a file below a link, apart',
      json({ type: 'link', path: 'a', target: '/etc' }, { ...good, path: 'a-b' }, { ...good, path: 'a/b/c' }),
    ],
  ])('with %s is refused', (_, text) => {
    expect(() => parseManifest(text)).toThrow(/manifest of the release is not valid/)
  })

  it('is refused when it is not gzip, or cut', async () => {
    const whole = await encodeManifest(makeManifest([file('a')]))
    await expect(decodeManifest(Buffer.from('{}'))).rejects.toThrow(/not valid/)
    await expect(decodeManifest(whole.subarray(0, -9))).rejects.toThrow(/not valid/)
    await expect(decodeManifest(gzipSync(json(good, good)))).rejects.toThrow(/twice/)
  })

  it('never crashes on other JSON', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.jsonValue(),
            fc.record({ type: fc.constantFrom('file', 'link', 'directory'), path: fc.jsonValue() }),
          ),
        ),
        (entries) => {
          try {
            parseManifest(json(...entries))
          } catch (error) {
            expect(error).toMatchObject({ name: 'DeliverError' })
          }
        },
      ),
    )
  })
})
