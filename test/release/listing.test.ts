import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { listingBytes, listingDigest } from '../../src/release/listing.js'
import { makeManifest } from '../../src/release/manifest.js'
import type { ManifestEntry } from '../../src/release/release.js'

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

const sha256 = createHash('sha256').update('x').digest('hex')
const names = ['a', 'a-b', 'a.b/c', 'a b', 'A', 'line\nbreak', '-dash', "quo'te", 'ü', 'a!', 'z/z/z']

/** What the agent does on a host, with its tools. */
const onHost = `export LC_ALL=C
  find . -mindepth 1 -type d -print0 | sed -z 's/^/D /' | sort -z
  find . -type f -print0 | xargs -0 sha256sum -z | sed -z 's/^/F /' | sort -z
  find . -type f -perm -100 -print0 | sed -z 's/^/X /' | sort -z
  find . -type l -print0 | sort -z | while IFS= read -r -d '' p; do printf 'L %s\\0T %s\\0' "$p" "$(readlink "$p")"; done`

describe('the listing', () => {
  it('is what find, sort and sha256sum make of the tree', () => {
    const root = mkdtempSync(join(tmpdir(), 'deliver-listing-'))
    made.push(root)
    const entries: ManifestEntry[] = []
    for (const [index, name] of names.entries()) {
      const path = join(root, name)
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, 'x')
      const executable = index % 2 === 0
      chmodSync(path, executable ? 0o755 : 0o644)
      entries.push({ type: 'file', path: Buffer.from(name), size: 1, sha256, executable })
    }
    for (const [name, target] of [
      ['link', 'a'],
      ['link-', '../out side'],
      ['dir.link', 'z'],
    ] as const) {
      symlinkSync(target, join(root, name))
      entries.push({ type: 'link', path: Buffer.from(name), target: Buffer.from(target) })
    }
    const bytes = Buffer.concat([Buffer.from(root), Buffer.from('/z/'), Buffer.from([0xff, 0x80])])
    writeFileSync(bytes, 'x')
    entries.push({
      type: 'file',
      path: Buffer.from([0x7a, 0x2f, 0xff, 0x80]),
      size: 1,
      sha256,
      executable: false,
    })
    const found = execFileSync('bash', ['-c', onHost], { cwd: root })
    expect(listingBytes(makeManifest(entries)).toString('latin1')).toBe(found.toString('latin1'))
  })

  it('has directories that no entry names', () => {
    const entry: ManifestEntry = {
      type: 'file',
      path: Buffer.from('a/b/c'),
      size: 1,
      sha256,
      executable: true,
    }
    const expected = `D ./a\0D ./a/b\0F ${sha256}  ./a/b/c\0X ./a/b/c\0`
    expect(listingBytes({ entries: [entry] }).toString()).toBe(expected)
    expect(listingBytes(makeManifest([entry])).toString()).toBe(expected)
    expect(listingDigest({ entries: [entry] })).toBe(createHash('sha256').update(expected).digest('hex'))
  })

  it('of an empty release is empty', () => {
    expect(listingBytes({ entries: [] })).toEqual(Buffer.alloc(0))
  })
})
