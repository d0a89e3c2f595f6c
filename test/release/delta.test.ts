import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { estimateStage, planDelta, type Delta } from '../../src/release/delta.js'
import { listingBytes } from '../../src/release/listing.js'
import { makeManifest } from '../../src/release/manifest.js'
import type { Manifest, ManifestEntry, ReleaseRecord } from '../../src/release/release.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const text = (path: Buffer): string => path.toString('latin1')
const file = (path: string, content: string, executable = false): ManifestEntry => ({
  type: 'file',
  path: bytes(path),
  executable,
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
})
const link = (path: string, target: string): ManifestEntry => ({
  type: 'link',
  path: bytes(path),
  target: bytes(target),
})
const directory = (path: string): ManifestEntry => ({ type: 'directory', path: bytes(path) })

/** What the agent makes of a patch; see agent/63-delta.sh. */
function patched(base: Manifest, patch: Buffer): Buffer {
  const split = (buffer: Buffer): string[] => text(buffer).split('\0').slice(0, -1)
  const before = split(listingBytes(base))
  const records = split(patch)
  const starting = (mark: string): string[] =>
    records.filter((each) => each.startsWith(mark)).map((each) => each.slice(1))
  const gone = new Set(starting('-'))
  const tree = before.filter((each) => /^[DFX] /.test(each) && !gone.has(each))
  const sorted = [...tree, ...starting('+')].map((each) => bytes(`${each}\0`)).sort((a, b) => a.compare(b))
  const links = records.includes('~') ? before.filter((each) => /^[LT] /.test(each)) : starting('=')
  return Buffer.concat([...sorted, ...links.map((each) => bytes(`${each}\0`))])
}

/** The tree that the base becomes: what stays, what is sent, and links to what was there when they were made. */
function applied(base: Manifest, next: Manifest, delta: Delta, shared: readonly string[]): Manifest {
  const isShared = (path: string): boolean =>
    shared.some((each) => path === each || path.startsWith(`${each}/`))
  const wanted = new Map(next.entries.map((entry) => [text(entry.path), entry]))
  const sources = new Set(delta.links.map(({ from }) => text(from)))
  const there = new Map<string, ManifestEntry>()
  for (const entry of base.entries) {
    const path = text(entry.path)
    if (isShared(path)) continue
    const same = JSON.stringify(wanted.get(path)) === JSON.stringify(entry)
    if (same || sources.has(path)) there.set(path, entry)
  }
  const put = (entry: ManifestEntry): void => {
    for (const [path, other] of there) {
      if (path.startsWith(`${text(entry.path)}/`) && entry.type !== 'directory')
        throw new Error(`${path} is in the way of ${text(entry.path)}`)
      if (text(entry.path).startsWith(`${path}/`) && other.type !== 'directory')
        throw new Error(`${path} is no directory for ${text(entry.path)}`)
    }
    there.set(text(entry.path), entry)
  }
  for (const entry of next.entries) if (delta.send.has(text(entry.path))) put(entry)
  for (const { from, to } of delta.links) {
    const source = there.get(text(from))
    if (source === undefined) throw new Error(`${text(from)} is not there any more`)
    put({ ...source, path: to })
  }
  for (const path of there.keys()) if (!wanted.has(path)) there.delete(path)
  return makeManifest([...there.values()])
}

/** The same numbers each time; xorshift. */
function dice(seed: number): (sides: number) => number {
  let state = seed * 2654435761 + 1
  return (sides) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % sides
  }
}

function randomManifest(roll: (sides: number) => number): Manifest {
  const names = ['a', 'b', 'c\n', '-d', 'e f', '\xff']
  const found = new Map<string, ManifestEntry>()
  const isFree = (path: string): boolean =>
    !found.has(path) &&
    ![...found].some(
      ([other, entry]) =>
        other.startsWith(`${path}/`) || (path.startsWith(`${other}/`) && entry.type !== 'directory'),
    )
  for (let count = roll(20); count > 0; count--) {
    const path = Array.from({ length: 1 + roll(3) }, () => names[roll(names.length)]).join('/')
    if (!isFree(path)) continue
    const kind = roll(8)
    found.set(
      path,
      kind === 0
        ? directory(path)
        : kind === 1
          ? link(path, `to ${roll(2)}`)
          : file(path, 'x'.repeat(roll(6)), roll(4) === 0),
    )
  }
  return makeManifest([...found.values()])
}

describe('from one release to another', () => {
  test('applying it to the one gives the other, whatever they are', () => {
    let linked = 0
    for (let seed = 1; seed <= 2_000; seed++) {
      const roll = dice(seed)
      const [base, next] = [randomManifest(roll), randomManifest(roll)]
      const shared = roll(3) === 0 ? ['a'] : []
      const delta = planDelta(base, next, shared)
      const what = `seed ${seed}`
      expect(patched(base, delta.patch).equals(listingBytes(next)), what).toBe(true)
      expect(listingBytes(applied(base, next, delta, shared)).equals(listingBytes(next)), what).toBe(true)
      expect(planDelta(base, next, shared), what).toEqual(delta)
      linked += delta.links.length
    }
    expect(linked).toBeGreaterThan(500)
  })

  test('to the same: nothing is sent', () => {
    const one = makeManifest([file('a/b', '1'), link('l', 'a'), directory('d')])
    expect(planDelta(one, one, [])).toMatchObject({ send: new Set(), links: [], bytes: 0, entries: 4 })
    expect(text(planDelta(one, one, []).patch)).toBe('~\0')
  })

  test('content that moved is linked; content that changed places is sent', () => {
    const base = makeManifest([file('a', 'one'), file('b', 'two'), file('c', 'three')])
    const next = makeManifest([file('a', 'two'), file('b', 'one'), file('d', 'three')])
    const delta = planDelta(base, next, [])
    expect(delta.send).toEqual(new Set(['a', 'b']))
    expect(delta.links.map(({ from, to }) => [text(from), text(to)])).toEqual([['c', 'd']])
    expect(delta.bytes).toBe(6)
  })

  test('another mode is other content', () => {
    const delta = planDelta(
      makeManifest([file('a', 'one'), file('b', 'two')]),
      makeManifest([file('a', 'one', true), file('c', 'two', true)]),
      [],
    )
    expect(delta).toMatchObject({ send: new Set(['a', 'c']), links: [] })
  })

  test('what is shared on the host is sent', () => {
    const one = makeManifest([file('log/a', 'one'), file('logs', 'two')])
    expect(planDelta(one, one, ['log/']).send).toEqual(new Set(['log', 'log/a']))
  })
})

test('bytes to send are estimated by the ratio of the archive', () => {
  const body = { size: 0, sha256: '' }
  const record: ReleaseRecord = {
    version: 1,
    app: 'api',
    release: 'v2',
    commit: '',
    source: { commit: '', author: '', subject: '', time: '' },
    archive: { ...body, size: 1_000, format: 'tar.zst' },
    tar: { ...body, size: 4_000 },
    manifest: { ...body, file: '', entries: 2, bytes: 3_000, digest: '' },
  }
  expect(estimateStage(record)).toBe(1_000)
  const base = makeManifest([file('a', 'x'.repeat(3_000))])
  const next = makeManifest([file('a', 'x'.repeat(3_000)), file('b', 'y'.repeat(400))])
  const estimate = estimateStage(record, planDelta(base, next, []))
  expect(estimate).toBeGreaterThan(100)
  expect(estimate).toBeLessThan(300)
})
