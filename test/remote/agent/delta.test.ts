import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { activate, confirm, delta, prune } from '../../../src/remote/verbs.js'
import { readSwitch } from '../../../src/remote/readings.js'
import { packDelta, stageDelta, type PackedDelta } from './delta-on-disk.js'
import { onEachShell, type LocalHost } from './host.js'
import { listingOf, pack, plant, sha256, type Tree } from './release-on-disk.js'
import { currentOf, expectCode, expectWhole, facts, result, ship, smallTree, stageTree } from './steps.js'
import { tarOf } from './tar.js'

const old: Tree = {
  ...smallTree,
  'kept/a': 'a',
  'kept/b!': 'b',
  'gone/x': 'x',
  'gone/deep/y': 'y',
  changes: 'before',
  'mode!': 'm',
  'old/place': 'moves with its content',
  'becomes-a-file/x': '1',
  'becomes-a-dir': '2',
  'becomes-a-link': '3',
  'empty/': '',
  link: { link: 'kept/a' },
  other: { link: 'kept/b' },
}
const next: Tree = {
  ...smallTree,
  'kept/a': 'a',
  'kept/b!': 'b',
  changes: 'after',
  mode: 'm',
  'new/place': 'moves with its content',
  'becomes-a-file': '1',
  'becomes-a-dir/z': '2',
  'becomes-a-link': { link: 'kept' },
  'empty too/': '',
  link: { link: 'kept/b' },
  other: { link: 'kept/b' },
}

interface Trees {
  readonly from: string
  readonly to: string
}

function plantTrees(host: LocalHost, before: Tree = old, after: Tree = next): Trees {
  const from = join(host.home, 'trees/from')
  const to = join(host.home, 'trees/to')
  plant(from, before)
  plant(to, after)
  return { from, to }
}

/** A host that has v1, and what brings it to v2. */
async function onV1(
  host: LocalHost,
  { from, to }: Trees = plantTrees(host),
  shared: readonly string[] = [],
): Promise<PackedDelta> {
  expectCode(await stageTree(host, 'v1', { packed: pack(from), id: 'first', shared }), 0)
  return packDelta(from, to, shared)
}

function expectV2(host: LocalHost, to: string): void {
  expect(listingOf(host.at('releases/v2')).equals(listingOf(to))).toBe(true)
  expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
  expectWhole(host)
}

function expectRefused(host: LocalHost): void {
  expect(readdirSync(host.at('releases'))).toEqual(['v1'])
  expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
  expectWhole(host)
}

onEachShell((makeHost, shell) => {
  // Its tools know no records that end in NUL: such a host says so in the probe, and is sent all of it.
  describe.runIf(shell === 'busybox')('without the tools', () => {
    test('the probe says so, and the call is refused with the reason', async () => {
      const host = makeHost()
      const packed = await onV1(host)
      expect((await facts(host)).tools.has('delta')).toBe(false)
      const answer = await stageDelta(host, 'v2', packed)
      expectCode(answer, codes.baseUnfit)
      expectRefused(host)
    })
  })

  describe.runIf(shell !== 'busybox')('delta', () => {
    test('the tree becomes the new one, and what stays is linked', async () => {
      const host = makeHost()
      const trees = plantTrees(host)
      const packed = await onV1(host, trees)
      expect((await facts(host)).tools.has('delta')).toBe(true)
      expect(packed.delta.send.has('kept/a')).toBe(false)
      expect(packed.delta.links.map(({ from, to }) => `${from.toString()} ${to.toString()}`)).toContain(
        'old/place new/place',
      )
      expectCode(await stageDelta(host, 'v2', packed), 0)
      expectV2(host, trees.to)
      const inode = (path: string): number => lstatSync(host.at('releases', path)).ino
      expect(inode('v2/kept/a')).toBe(inode('v1/kept/a'))
      expect(inode('v2/new/place')).toBe(inode('v1/old/place'))
      expect(inode('v2/changes')).not.toBe(inode('v1/changes'))
      expect(listingOf(host.at('releases/v1')).equals(listingOf(trees.from))).toBe(true)
      expect((await facts(host)).releases.map(({ digest }) => digest)).toEqual([
        packed.baseDigest,
        packed.digest,
      ])
    })

    test('names of all kinds', async () => {
      const host = makeHost()
      const odd = (content: string): Tree => ({
        ' leading space': content,
        '-rf': content,
        'new\nline': content,
        'back\\slash\n': content,
        'quote\'"$(id)`id`': content,
        'dir with space/*': content,
        'F 0123': content,
        'a\nD .': content,
        [`${'l'.repeat(60)}/${'o'.repeat(60)}/n!`]: content,
      })
      const link = { link: `to\n${'t'.repeat(120)}\n` }
      const same = Object.fromEntries(Object.keys(odd('')).map((name) => [`same/${name}`, 'same']))
      const moved = `${'m'.repeat(80)}\n/${'m'.repeat(80)}`
      const trees = plantTrees(
        host,
        { ...odd('1'), ...same, 'link\n': link, [moved]: 'content that moves', '-n': 'leaves' },
        { ...odd('2'), ...same, 'link\n': link, 'link//2': link, [`to/${moved}`]: 'content that moves' },
      )
      execFileSync('sh', ['-c', `printf x > "$(printf 'n\\377\\200')"`], { cwd: trees.to })
      const packed = await onV1(host, trees)
      expect(packed.delta.links).toHaveLength(1)
      expectCode(await stageDelta(host, 'v2', packed), 0)
      expectV2(host, trees.to)
    })

    test('a delta on a delta, and one back to what was', async () => {
      const host = makeHost()
      const trees = plantTrees(host)
      expectCode(await stageDelta(host, 'v2', await onV1(host, trees)), 0)
      const back = await packDelta(trees.to, trees.from)
      expectCode(await stageDelta(host, 'v3', back, { base: 'v2', id: 'd2' }), 0)
      expect(listingOf(host.at('releases/v3')).equals(listingOf(trees.from))).toBe(true)
      expectWhole(host)
    })

    test('what was put before needs no payload', async () => {
      const host = makeHost()
      const trees = plantTrees(host)
      const packed = await onV1(host, trees)
      mkdirSync(host.at('.deliver/incoming/v2.d1'))
      writeFileSync(host.at('.deliver/incoming/v2.d1/delta'), Buffer.concat([packed.patch, packed.tar]))
      expectCode(await stageDelta(host, 'v2', packed), 0)
      expectV2(host, trees.to)
    })

    test('twice is once', async () => {
      const host = makeHost()
      const trees = plantTrees(host)
      const packed = await onV1(host, trees)
      expectCode(await stageDelta(host, 'v2', packed), 0)
      const before = lstatSync(host.at('releases/v2')).ino
      expectCode(await stageDelta(host, 'v2', packed, { id: 'again' }), 0)
      expect(lstatSync(host.at('releases/v2')).ino).toBe(before)
      expectV2(host, trees.to)
    })

    describe('what is hashed', () => {
      /** Has the host count the files whose hashes it asks for. */
      function watchHashes(host: LocalHost): () => readonly string[] {
        const log = join(host.home, 'hashed')
        rmSync(join(host.bin, 'sha256sum'), { force: true })
        writeFileSync(
          join(host.bin, 'sha256sum'),
          `#!/bin/sh\nfor a do case $a in ./*) echo "$a" >>'${log}';; esac; done\nexec /usr/bin/sha256sum "$@"\n`,
          { mode: 0o755 },
        )
        return () => {
          const names = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').sort() : []
          rmSync(log, { force: true })
          return names
        }
      }
      const sent = ['./becomes-a-dir/z', './becomes-a-file', './changes', './mode']

      test('what was sent alone, also after links and removals changed the times of the others', async () => {
        const host = makeHost()
        const trees = plantTrees(host)
        await ship(host, 'v0')
        const packed = await onV1(host, trees)
        const hashed = watchHashes(host)
        expectCode(await stageDelta(host, 'v2', packed), 0)
        expect(hashed()).toEqual(sent)
        // The base is known after it was linked from, and the new one after the old was removed.
        expectCode(await stageDelta(host, 'v3', packed, { id: 'd3' }), 0)
        expect(hashed()).toEqual(sent)
        // What was staged and not switched to yet stays.
        expectCode(await host.call(prune({ fence: 1, keep: 1 })), 0)
        expect(readdirSync(host.at('releases'))).toEqual(['v0', 'v1', 'v2', 'v3'])
        const to = { fence: 1, release: 'v3', digest: packed.digest, id: 'a3', guard: 0 }
        expectCode(await host.call(activate(to)), 0)
        expectCode(await host.call(confirm({ fence: 1, id: 'a3', via: 'deploy' })), 0)
        expectCode(await host.call(prune({ fence: 1, keep: 1 })), 0)
        expect(readdirSync(host.at('releases'))).toEqual(['v0', 'v3'])
        hashed()
        const back = await packDelta(trees.to, trees.from)
        expectCode(await stageDelta(host, 'v4', back, { base: 'v3', id: 'd4' }), 0)
        expect(hashed()).not.toContain('./kept/a')
        expectWhole(host)
      })

      test('everything when it is told to, or knows nothing', async () => {
        const host = makeHost()
        const trees = plantTrees(host)
        const packed = await onV1(host, trees)
        const hashed = watchHashes(host)
        expectCode(await stageDelta(host, 'v2', packed, { verify: 'full' }), 0)
        expect(hashed()).toContain('./kept/a')
        rmSync(host.at('.deliver/manifests/v1/snapshot'))
        expectCode(await stageDelta(host, 'v3', packed, { id: 'd3' }), 0)
        expect(hashed()).toContain('./kept/a')
        expectWhole(host)
      })
    })

    // Both shells run the same tools, so that one is enough for the many ways in which these refuse.
    describe.runIf(shell === 'dash')('what somebody did to the base on the host', () => {
      const changes: Record<string, (release: string) => void> = {
        'a file written in place': (release) => appendFileSync(join(release, 'kept/a'), 'x'),
        'with its size and time as before': (release) => {
          const { atime, mtime } = statSync(join(release, 'kept/a'))
          writeFileSync(join(release, 'kept/a'), 'b')
          utimesSync(join(release, 'kept/a'), atime, mtime)
        },
        'by mmap or truncate': (release) => truncateSync(join(release, 'kept/a'), 0),
        'a file replaced': (release) => {
          writeFileSync(join(release, 'kept/new'), 'b')
          const { atime, mtime } = statSync(join(release, 'kept/a'))
          utimesSync(join(release, 'kept/new'), atime, mtime)
          renameSync(join(release, 'kept/new'), join(release, 'kept/a'))
        },
        'a file removed': (release) => rmSync(join(release, 'kept/a')),
        'an exec bit': (release) => chmodSync(join(release, 'kept/a'), 0o755),
        'another mode': (release) => chmodSync(join(release, 'kept/a'), 0o600),
        'a file in place of a directory': (release) => {
          rmSync(join(release, 'kept'), { recursive: true })
          writeFileSync(join(release, 'kept'), '')
        },
        'a link in place of a directory': (release) => {
          renameSync(join(release, 'kept'), join(release, '../../elsewhere'))
          symlinkSync('../../elsewhere', join(release, 'kept'))
        },
      }
      test.each(Object.entries(changes))('%s: refused, and said', async (_, change) => {
        const host = makeHost()
        const packed = await onV1(host)
        change(host.at('releases/v1'))
        const changed = listingOf(host.at('releases/v1'))
        const answer = await stageDelta(host, 'v2', packed)
        expectCode(answer, codes.baseUnfit)
        expect(result(answer)[1]).toMatch(/changed on this host: .*kept/)
        expect(readdirSync(host.at('releases'))).toEqual(['v1'])
        expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
        expect(listingOf(host.at('releases/v1')).equals(changed)).toBe(true)
      })

      test('what the app made beside its files is left behind', async () => {
        const host = makeHost()
        const trees = plantTrees(host)
        const packed = await onV1(host, trees)
        plant(host.at('releases/v1'), {
          'cache/deep/file': 'x',
          'kept/new\nfile': 'y',
          'gone/more': 'z',
          '-f': 'f',
          'to-the-root': { link: '/' },
        })
        symlinkSync(host.home, host.at('releases/v1/gone/home'))
        expectCode(await stageDelta(host, 'v2', packed), 0)
        expect(listingOf(host.at('releases/v2')).equals(listingOf(trees.to))).toBe(true)
        expect(existsSync(host.at('releases/v1/cache/deep/file'))).toBe(true)
      })

      test.each([
        ['a changed file that the new one replaces', 'changes'],
        ['one that goes', 'gone/x'],
      ])('%s does no harm', async (_, name) => {
        const host = makeHost()
        const trees = plantTrees(host)
        const packed = await onV1(host, trees)
        writeFileSync(host.at('releases/v1', name), 'by hand')
        expectCode(await stageDelta(host, 'v2', packed), 0)
        expect(listingOf(host.at('releases/v2')).equals(listingOf(trees.to))).toBe(true)
        expect(readFileSync(host.at('releases/v1', name), 'utf8')).toBe('by hand')
      })

      test.each([['digest'], ['listing']])('another %s of the base', async (what) => {
        const host = makeHost()
        const packed = await onV1(host)
        if (what === 'listing') appendFileSync(host.at('.deliver/manifests/v1/listing'), 'x')
        const other = what === 'digest' ? { ...packed, baseDigest: sha256('x') } : packed
        expectCode(await stageDelta(host, 'v2', other), codes.baseUnfit)
        expect(readdirSync(host.at('releases'))).toEqual(['v1'])
      })

      test('no base', async () => {
        const host = makeHost()
        const packed = await onV1(host)
        expectCode(await stageDelta(host, 'v2', packed, { base: 'v0' }), codes.baseUnfit)
        expectRefused(host)
      })
    })

    describe('a write through a shared file', () => {
      const switchTo = (release: string, digest: string, id: string) =>
        activate({ fence: 1, release, digest, id, guard: 0 })

      test('before the switch: the new release is refused, and thrown away', async () => {
        const host = makeHost()
        const packed = await onV1(host)
        expectCode(await stageDelta(host, 'v2', packed), 0)
        const { atime, mtime } = statSync(host.at('releases/v1/kept/a'))
        writeFileSync(host.at('releases/v1/kept/a'), 'b')
        utimesSync(host.at('releases/v1/kept/a'), atime, mtime)
        const answer = await host.call(switchTo('v2', packed.digest, 'a2'))
        expectCode(answer, codes.verificationFailed)
        expect(result(answer)[1]).toContain('kept/a')
        expect(currentOf(host)).toBeUndefined()
        expect(readdirSync(host.at('releases'))).toEqual(['v1'])
      })

      test('after it: going back works, and says what is not as it was', async () => {
        const host = makeHost()
        const packed = await onV1(host)
        expectCode(await host.call(switchTo('v1', packed.baseDigest, 'a1')), 0)
        expectCode(await host.call(confirm({ fence: 1, id: 'a1', via: 'deploy' })), 0)
        expectCode(await stageDelta(host, 'v2', packed), 0)
        // What the app makes anew, and removes, is nobody else's.
        plant(host.at('releases/v1'), { 'cache/x': 'x' })
        const clean = await host.call(switchTo('v2', packed.digest, 'a2'))
        expectCode(clean, 0)
        expect(readSwitch(clean)).not.toHaveProperty('value.altered')
        expectCode(await host.call(confirm({ fence: 1, id: 'a2', via: 'deploy' })), 0)
        const before = await host.call(switchTo('v1', packed.baseDigest, 'a3'))
        expect(readSwitch(before)).not.toHaveProperty('value.altered')
        appendFileSync(host.at('releases/v2/kept/a'), 'x')
        const back = await host.call(switchTo('v1', packed.baseDigest, 'a4'))
        expectCode(back, 0)
        expect(readSwitch(back)).toHaveProperty('value.altered', 'kept/a')
        expect(currentOf(host)).toBe('releases/v1')
      })
    })

    describe('shared paths', () => {
      const shared = ['log', 'config.json', 'deep/er/data']
      const from = { ...old, 'log/old': 'x', 'config.json': 'first', 'deep/er/data/d': 'd' }

      test('hold what they held, and the release is whole below them', async () => {
        const host = makeHost()
        const trees = plantTrees(host, from, { ...next, 'log/old': 'x', 'config.json': 'first' })
        const packed = await onV1(host, trees, shared)
        writeFileSync(host.at('shared/log/today'), '')
        writeFileSync(host.at('shared/config.json'), 'by hand')
        expectCode(await stageDelta(host, 'v2', packed, { shared }), 0)
        expect(readdirSync(host.at('releases/v2/log'))).toEqual(['today'])
        expect(readdirSync(host.at('shared/log'))).toEqual(['today'])
        expect(readFileSync(host.at('releases/v2/config.json'), 'utf8')).toBe('by hand')
        expect(readdirSync(host.at('releases/v2/deep/er'))).toEqual(['data'])
      })

      test('others than those of the base are a reason to send all of it', async () => {
        const host = makeHost()
        const packed = await onV1(host, plantTrees(host, from), shared)
        expectCode(await stageDelta(host, 'v2', packed, { shared: ['log'] }), codes.baseUnfit)
        expect(readdirSync(host.at('releases'))).toEqual(['v1'])
      })
    })

    describe.runIf(shell === 'dash')('a delta that is not what it should be never becomes a release', () => {
      const zeros = Buffer.alloc(1024)
      const tampered: Record<string, (packed: PackedDelta, home: string) => Partial<PackedDelta>> = {
        'no tar': () => ({ tar: Buffer.alloc(0) }),
        'an empty tar': () => ({ tar: zeros }),
        'a cut tar': ({ tar }) => ({ tar: tar.subarray(0, tar.length >> 1) }),
        'no patch': () => ({ patch: Buffer.alloc(0) }),
        'another patch': ({ patch }) => ({ patch: patch.subarray(0, patch.length - 20) }),
        'a file more': ({ tar }) => ({ tar: tarOf([{ name: 'more', type: '0', body: 'x' }], tar) }),
        'a file that should stay': ({ tar }) => ({
          tar: tarOf([{ name: 'kept/a', type: '0', body: 'x' }], tar),
        }),
        'a way out by ..': ({ tar }) => ({
          tar: tarOf([{ name: '../../../escaped', type: '0', body: 'x' }], tar),
        }),
        'a write through a link': ({ tar }, home) => ({
          tar: tarOf(
            [
              { name: 'out', type: '2', body: '', link: join(home, 'outside') },
              { name: 'out/escaped', type: '0', body: 'x' },
            ],
            tar,
          ),
        }),
        'a link to a file outside, with the right content': ({ tar }, home) => ({
          tar: Buffer.concat([
            tar.subarray(0, -1024),
            tarOf(
              [
                { name: 'out', type: '2', body: '', link: join(home, 'outside') },
                { name: 'changes', type: '1', body: '', link: 'out/after' },
              ],
              zeros,
            ),
          ]),
        }),
        'a source outside of the tree': ({ patch }) => ({
          patch: Buffer.concat([patch, Buffer.from('>./../../../../outside/secret\0')]),
        }),
      }
      test.each(Object.entries(tampered))('%s', async (what, tamper) => {
        const host = makeHost()
        const packed = await onV1(host)
        const outside = join(host.home, 'outside')
        plant(outside, { secret: 'untouched', after: 'after' })
        const answer = await stageDelta(host, 'v2', { ...packed, ...tamper(packed, host.home) })
        // What is too much is removed before the tree is verified, as what the app made in the base.
        if (/^a source|^a file more/.test(what)) {
          expectCode(answer, 0)
          expectV2(host, join(host.home, 'trees/to'))
        } else {
          expect([codes.verificationFailed, codes.baseUnfit]).toContain(result(answer)[0])
          expectRefused(host)
        }
        expect(readdirSync(outside)).toEqual(['after', 'secret'])
        expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('untouched')
        expect(statSync(join(outside, 'after')).nlink).toBe(1)
        expect(existsSync(join(host.home, 'escaped')) || existsSync(host.at('escaped'))).toBe(false)
      })

      test('a base with hard links of its own', async () => {
        const host = makeHost()
        const trees = plantTrees(host)
        const packed = await onV1(host, trees)
        rmSync(host.at('releases/v1/kept/b'))
        linkSync(host.at('releases/v1/kept/a'), host.at('releases/v1/kept/b'))
        expectCode(await stageDelta(host, 'v2', packed), codes.baseUnfit)
      })

      test.each([
        ['cut', (bytes: Buffer) => bytes.subarray(0, -1)],
        ['damaged', (bytes: Buffer) => Buffer.concat([Buffer.of(0), bytes.subarray(1)])],
      ])('a payload that is %s', async (_, damage) => {
        const host = makeHost()
        const packed = await onV1(host)
        const bytes = Buffer.concat([packed.patch, packed.tar])
        const call = delta({
          ...{ fence: 1, release: 'v2', id: 'd1', digest: packed.digest, encoding: 'none', shared: [] },
          base: { release: 'v1', digest: packed.baseDigest },
          body: { size: bytes.length, sha256: sha256(bytes), patchSize: packed.patch.length },
          ...{ verify: 'changed', fromReplaced: false },
        })
        expectCode(await host.call(call, { stdin: damage(bytes) }), codes.verificationFailed)
        expectRefused(host)
      })
    })
  })
})
