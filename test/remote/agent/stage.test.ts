import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { listingBytes } from '../../../src/release/listing.js'
import { put, stage } from '../../../src/remote/verbs.js'
import { onEachShell } from './host.js'
import { archiveOf, listingOf, pack, plant, sha256, type Packed } from './release-on-disk.js'
import { expectCode, expectWhole, facts, packTree, putBoth, smallTree, stageTree } from './steps.js'
import { tarOf } from './tar.js'

onEachShell((makeHost, shell) => {
  describe('put', () => {
    const bytes = Buffer.from('the archive')
    const announced = {
      fence: 1,
      release: 'v1',
      id: 'one',
      name: 'archive',
      size: bytes.length,
      sha256: sha256(bytes),
    } as const

    test.each([
      ['cut short', { ...announced, size: bytes.length + 1 }],
      ['longer than announced', { ...announced, size: bytes.length - 1 }],
      ['damaged', { ...announced, sha256: sha256('other') }],
    ])('a payload that is %s does not count, and leaves nothing', async (_, file) => {
      const host = makeHost()
      expectCode(await host.call(put(file), { stdin: bytes }), codes.verificationFailed)
      expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
    })

    test('a payload of all bytes arrives', async () => {
      const host = makeHost()
      const all = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256))
      const call = put({ ...announced, size: all.length, sha256: sha256(all) })
      expectCode(await host.call(call, { stdin: all }), 0)
      expect(readFileSync(host.at('.deliver/incoming/v1.one/archive')).equals(all)).toBe(true)
    })

    test.each([
      ['release', { ...announced, release: '../x' }],
      ['release', { ...announced, release: '-x' }],
      ['id', { ...announced, id: 'a/b' }],
      ['id', { ...announced, id: 'a\nb' }],
    ])('refuses a bad %s', async (_, file) => {
      expectCode(await makeHost().call(put(file), { stdin: bytes }), codes.badCall)
    })
  })

  describe('stage', () => {
    test('names of all kinds, exec bits and links arrive as they were', async () => {
      const host = makeHost()
      const tree = join(host.home, 'tree')
      plant(tree, {
        ...smallTree,
        ' leading space': '1',
        '-rf': '2',
        'new\nline': '3',
        'back\\slash\n': '4',
        'quote\'"$(id)`id`': '5',
        'dir with space/*': '6',
        'link\n': { link: 'to\n\n' },
        absolute: { link: '/usr/bin/python3' },
        'empty/': '',
        [`${'l'.repeat(60)}/${'o'.repeat(60)}/n!`]: '7',
      })
      execFileSync('sh', ['-c', `printf x > "$(printf 'n\\377\\200')"`], { cwd: tree })
      const packed = pack(
        tree,
        shell === 'busybox' ? { env: { ...process.env, TAR_OPTIONS: '--format=ustar' } } : {},
      )
      expectCode(await stageTree(host, 'v1', { packed }), 0)
      expect(listingOf(host.at('releases/v1')).equals(packed.listing)).toBe(true)
      expect(readlinkSync(host.at('releases/v1/link\n'))).toBe('to\n\n')
      expect((await facts(host)).releases).toEqual([{ release: 'v1', digest: packed.digest }])
      expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
    })

    test('the listing is the one that the build makes of its manifest', async () => {
      const host = makeHost()
      const hash = createHash('sha256').update('x').digest('hex')
      const file = { type: 'file', size: 1, sha256: hash } as const
      const listing = listingBytes({
        entries: [
          { ...file, path: Buffer.from('a/b'), executable: true },
          { ...file, path: Buffer.from('a.c'), executable: false },
          { type: 'link', path: Buffer.from('l'), target: Buffer.from('a/b') },
        ],
      })
      plant(join(host.home, 'tree'), { 'a/b!': 'x', 'a.c': 'x', l: { link: 'a/b' } })
      const packed = pack(join(host.home, 'tree'))
      expectCode(await stageTree(host, 'v1', { packed: { ...packed, listing, digest: sha256(listing) } }), 0)
    })

    test('gzip', async () => {
      const host = makeHost()
      const packed = packTree(host, 'v1')
      await putBoth(host, 'v1', { ...packed, archive: gzipSync(packed.archive) })
      expectCode(
        await host.call(
          stage({ fence: 1, release: 'v1', id: 'put1', digest: packed.digest, encoding: 'gzip', shared: [] }),
        ),
        0,
      )
    })

    test('modes that are not exactly 755 or 644 become that, whatever the umask and setgid directories', async () => {
      const host = makeHost()
      const tree = join(host.home, 'tree')
      plant(tree, { file: 'x', 'run!': 'y', 'dir/': '' })
      chmodSync(join(tree, 'file'), 0o666)
      chmodSync(join(tree, 'run'), 0o700)
      chmodSync(join(tree, 'dir'), 0o770)
      mkdirSync(host.at('.deliver/incoming'), { recursive: true })
      chmodSync(host.at('.deliver/incoming'), 0o2755)
      expectCode(await stageTree(host, 'v1', { packed: pack(tree) }), 0)
      const mode = (name: string): string =>
        (statSync(host.at('releases/v1', name)).mode & 0o7777).toString(8)
      expect(['.', 'file', 'run', 'dir'].map(mode)).toEqual(['755', '644', '755', '755'])
    })

    test('twice is once; other content under the name is refused and the release left alone', async () => {
      const host = makeHost()
      expectCode(await stageTree(host, 'v1'), 0)
      const before = lstatSync(host.at('releases/v1')).ino
      expectCode(await stageTree(host, 'v1', { id: 'again' }), 0)
      const other = packTree(host, 'v1', { ...smallTree, more: 'x' })
      expectCode(await stageTree(host, 'v1', { packed: other, id: 'other' }), codes.precondition)
      expect(lstatSync(host.at('releases/v1')).ino).toBe(before)
      expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
      expectWhole(host)
    })

    test('a directory under the name that deliver did not make is refused', async () => {
      const host = makeHost()
      mkdirSync(host.at('releases/v1'), { recursive: true })
      expectCode(await stageTree(host, 'v1'), codes.precondition)
    })

    test('sweeps the scratch of other attempts', async () => {
      const host = makeHost()
      await putBoth(host, 'v0', packTree(host, 'v0'), { id: 'dead' })
      expectCode(await stageTree(host, 'v1'), 0)
      expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
    })

    test('a listing other than the digest, or none, is refused', async () => {
      const host = makeHost()
      const packed = packTree(host, 'v1')
      await putBoth(host, 'v1', packed)
      const wrong = stage({
        fence: 1,
        release: 'v1',
        id: 'put1',
        digest: sha256('x'),
        encoding: 'none',
        shared: [],
      })
      expectCode(await host.call(wrong), codes.verificationFailed)
      expectCode(await host.call(wrong), codes.precondition)
    })
  })

  describe('an archive that is not what its listing says never becomes a release', () => {
    const tampered: Record<string, (packed: Packed, tree: string) => Buffer> = {
      'a changed byte': (_, tree) => {
        writeFileSync(join(tree, 'server.js'), 'console.log(2)\n')
        return pack(tree).archive
      },
      'a file more': (_, tree) => {
        writeFileSync(join(tree, 'more'), '')
        return pack(tree).archive
      },
      'a file less': (_, tree) => {
        rmSync(join(tree, 'server.js'))
        return pack(tree).archive
      },
      'an empty directory more': (_, tree) => {
        mkdirSync(join(tree, 'more'))
        return pack(tree).archive
      },
      'an exec bit less': (_, tree) => {
        chmodSync(join(tree, 'bin/start'), 0o644)
        return pack(tree).archive
      },
      'a hard link inside': (_, tree) => {
        rmSync(join(tree, 'node_modules/x/cli.js'))
        writeFileSync(join(tree, 'bin/start'), 'same')
        linkSync(join(tree, 'bin/start'), join(tree, 'node_modules/x/cli.js'))
        return pack(tree).archive
      },
      'a pipe': (_, tree) => {
        execFileSync('mkfifo', [join(tree, 'pipe')])
        return archiveOf(tree)
      },
      'a device': (packed) => tarOf([{ name: 'null', type: '3', body: '' }], packed.archive),
      'a way out by ..': (packed) =>
        tarOf([{ name: '../../../escaped', type: '0', body: 'x' }], packed.archive),
      'an absolute name': (packed, tree) =>
        tarOf([{ name: `${tree}-escaped`, type: '0', body: 'x' }], packed.archive),
      'a write through a link': (packed, tree) =>
        tarOf(
          [
            { name: 'out', type: '2', body: '', link: `${tree}-outside` },
            { name: 'out/escaped', type: '0', body: 'x' },
          ],
          packed.archive,
        ),
      'a hard link to outside': (packed, tree) =>
        tarOf([{ name: 'secret', type: '1', body: '', link: `${tree}-outside/secret` }], packed.archive),
      'the same name twice with other content': (packed) => {
        const end = packed.archive.lastIndexOf('console.log(1)')
        const members = packed.archive.subarray(0, Math.ceil(end / 512) * 512)
        expect(end).toBeGreaterThan(0)
        return Buffer.concat([
          members,
          tarOf([{ name: './server.js', type: '0', body: 'evil' }], Buffer.alloc(1024)),
        ])
      },
      'cut at a member boundary': (packed) => packed.archive.subarray(0, 1024),
      'cut elsewhere': (packed) => packed.archive.subarray(0, 1300),
      'not a tar': () => Buffer.from('nonsense'.repeat(200)),
      empty: () => Buffer.alloc(0),
    }

    test.each(Object.entries(tampered))('%s', async (_, tamper) => {
      const host = makeHost()
      const packed = packTree(host, 'v1')
      const tree = join(host.home, 'trees/tampered')
      const outside = `${tree}-outside`
      plant(tree, { ...smallTree, RELEASE: 'v1' })
      plant(outside, { secret: 'untouched' })
      const archive = tamper(packed, tree)
      const answer = await stageTree(host, 'v1', { packed: { ...packed, archive } })
      expectCode(answer, codes.verificationFailed)
      expect(readdirSync(host.at('releases'))).toEqual([])
      expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
      expect(readdirSync(outside)).toEqual(['secret'])
      expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('untouched')
      expect(
        existsSync(`${tree}-escaped`) ||
          existsSync(host.at('escaped')) ||
          existsSync(host.at('.deliver/escaped')),
      ).toBe(false)
    })

    test('a setuid bit does not survive', async () => {
      const host = makeHost()
      const packed = packTree(host, 'v1')
      const tree = join(host.home, 'trees/tampered')
      plant(tree, { ...smallTree, RELEASE: 'v1' })
      chmodSync(join(tree, 'bin/start'), 0o6755)
      await stageTree(host, 'v1', { packed: { ...packed, archive: archiveOf(tree) } })
      const staged = statSync(host.at('releases/v1/bin/start'), { throwIfNoEntry: false })
      expect((staged?.mode ?? 0) & 0o7000).toBe(0)
    })

    test('the answer names what differs', async () => {
      const host = makeHost()
      const packed = packTree(host, 'v1')
      const other = packTree(host, 'v1', { ...smallTree, extra: 'x' })
      const answer = await stageTree(host, 'v1', { packed: { ...packed, archive: other.archive } })
      expect(answer.log).toContain('./extra')
      expect(answer.log).not.toContain('./server.js')
    })
  })

  describe('shared paths', () => {
    test('a directory is made, a file of the release is the first version, links are relative', async () => {
      const host = makeHost()
      const shared = ['log', 'public/uploads/', 'config.json', 'deep/er/data']
      const packed = packTree(host, 'v1', { ...smallTree, 'config.json': 'first', 'log/old': 'x' })
      expectCode(await stageTree(host, 'v1', { packed, shared }), 0)
      const next = packTree(host, 'v2', { ...smallTree, 'config.json': 'second', 'log/old': 'x' })
      expectCode(await stageTree(host, 'v2', { packed: next, shared, id: 'put2' }), 0)
      expect(readFileSync(host.at('releases/v2/config.json'), 'utf8')).toBe('first')
      expect(readlinkSync(host.at('releases/v2/public/uploads'))).toBe('../../../shared/public/uploads')
      expect(readdirSync(host.at('releases/v2/deep/er/data'))).toEqual([])
      expect(readdirSync(host.at('shared/log'))).toEqual([])
      writeFileSync(host.at('releases/v2/log/today'), '')
      expect(readdirSync(host.at('releases/v1/log'))).toEqual(['today'])
    })

    test('a file that nobody has is an error that names it', async () => {
      const host = makeHost()
      const answer = await stageTree(host, 'v1', { shared: ['.env'] })
      expectCode(answer, codes.precondition)
      expect(answer.kind === 'answer' && answer.text).toContain('shared/.env')
      mkdirSync(host.at('shared'), { recursive: true })
      writeFileSync(host.at('shared/.env'), 'A=1')
      expectCode(await stageTree(host, 'v1', { shared: ['.env'] }), 0)
      expect(readFileSync(host.at('releases/v1/.env'), 'utf8')).toBe('A=1')
    })

    test.each([['../up'], ['/etc'], ['a//b'], ['a/./b'], ['.'], ['node_modules/.bin/x/y']])(
      'refuses %s',
      async (path) => {
        const host = makeHost()
        expectCode(await stageTree(host, 'v1', { shared: [path] }), codes.precondition)
        expect(readdirSync(host.at('releases'))).toEqual([])
      },
    )
  })

  // busybox's shell takes its own applets, whatever the PATH.
  test.skipIf(shell === 'busybox')(
    "a host without the archive's compression says so before it unpacks",
    async () => {
      const host = makeHost()
      for (const name of ['gzip', 'zstd']) {
        rmSync(join(host.bin, name), { force: true })
        writeFileSync(join(host.bin, name), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
      }
      const packed = packTree(host, 'v1')
      await putBoth(host, 'v1', packed)
      const call = stage({
        fence: 1,
        release: 'v1',
        id: 'put1',
        digest: packed.digest,
        encoding: 'gzip',
        shared: [],
      })
      expectCode(await host.call(call), codes.precondition)
      const { tools } = await facts(host)
      expect([tools.has('gzip'), tools.has('zstd')]).toEqual([false, false])
    },
  )
})
