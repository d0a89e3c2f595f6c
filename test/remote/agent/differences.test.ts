import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { activate, confirm } from '../../../src/remote/verbs.js'
import type { AgentCall } from '../../../src/remote/wire.js'
import { packDelta, packDifferences, stageDelta, type PackedDelta } from './delta-on-disk.js'
import { onEachShell, type LocalHost } from './host.js'
import { listingOf, pack, plant, type Tree } from './release-on-disk.js'
import { expectCode, expectWhole, facts, result, smallTree, stageTree } from './steps.js'

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `line ${(from + at) * 7919}\n`).join('')

const old: Tree = {
  ...smallTree,
  'lib/large.js': lines(0, 5_000),
  'lib/gone.js': lines(9_000, 10_000),
  'lib/empty.js': '',
  'odd\nname \'"$(id)': lines(20_000, 21_000),
  kept: 'kept',
}
const next: Tree = {
  ...smallTree,
  'lib/large.js': lines(0, 2_500) + 'another line\n' + lines(2_500, 5_000),
  'lib/moved-and-changed.js': lines(9_000, 10_000) + 'and one more\n',
  'lib/empty.js': 'no more',
  'odd\nname \'"$(id)': lines(20_001, 21_000),
  kept: 'kept',
}

interface Trees {
  readonly from: string
  readonly to: string
}

function plantTrees(host: LocalHost): Trees {
  const [from, to] = [join(host.home, 'trees/from'), join(host.home, 'trees/to')]
  plant(from, old)
  plant(to, next)
  return { from, to }
}

/** A host that runs v1, and what brings it to v2. */
async function onV1(host: LocalHost, shared: readonly string[] = []): Promise<PackedDelta> {
  const { from, to } = plantTrees(host)
  const packed = pack(from)
  expectCode(await stageTree(host, 'v1', { packed, id: 'first', shared }), 0)
  const id = { fence: 1, id: 'a1' } as const
  expectCode(await host.call(activate({ ...id, release: 'v1', digest: packed.digest, guard: 0 })), 0)
  expectCode(await host.call(confirm({ ...id, via: 'deploy' })), 0)
  return packDifferences(from, to, shared)
}

function expectV2(host: LocalHost): void {
  expect(listingOf(host.at('releases/v2')).equals(listingOf(join(host.home, 'trees/to')))).toBe(true)
  expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
  expectWhole(host)
}

function expectRefused(host: LocalHost): void {
  expect(existsSync(host.at('releases/v2'))).toBe(false)
  expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
}

const prepare: AgentCall = { verb: 'prepare', args: [['release', 'v1']], readOnly: false }
const differences = { fromReplaced: true } as const

onEachShell((makeHost, shell) => {
  describe.skipIf(shell === 'busybox')('a tar that is told as differences', () => {
    test('becomes the release, and is much smaller than what is new', async () => {
      const host = makeHost()
      const packed = await onV1(host)
      expect((await facts(host)).tools.has('zstd-patch')).toBe(true)
      const { from, to } = { from: join(host.home, 'trees/from'), to: join(host.home, 'trees/to') }
      expect(packed.tar.length * 20).toBeLessThan((await packDelta(from, to)).tar.length)
      expectCode(await stageDelta(host, 'v2', packed, differences), 0)
      expectV2(host)
    })

    test('everything hashed', async () => {
      const host = makeHost()
      expectCode(await stageDelta(host, 'v2', await onV1(host), { ...differences, verify: 'full' }), 0)
      expectV2(host)
    })

    test('on a tree that was prepared', async () => {
      const host = makeHost()
      const packed = await onV1(host)
      expectCode(await host.call(prepare), 0)
      expectCode(await stageDelta(host, 'v2', packed, differences), 0)
      expectV2(host)
      expect(existsSync(host.at('.deliver/prepared'))).toBe(false)
    })

    const changes: Record<string, (path: string) => void> = {
      'other content': (path) => writeFileSync(path, lines(1, 5_000)),
      'nothing there': (path) => rmSync(path),
      'a pipe that nobody writes to': (path) => {
        rmSync(path)
        execFileSync('mkfifo', [path])
      },
      'a link to what never ends': (path) => {
        rmSync(path)
        symlinkSync('/dev/zero', path)
      },
      'a link to something else': (path) => {
        rmSync(path)
        symlinkSync('/etc/passwd', path)
      },
      'a directory': (path) => {
        rmSync(path)
        mkdirSync(path)
      },
    }
    test.each(Object.entries(changes))(
      'a file of the base that was changed on the host, %s: another way is told, and nothing is left',
      async (_, change) => {
        const host = makeHost()
        const packed = await onV1(host)
        change(host.at('releases/v1/lib/large.js'))
        const answer = await stageDelta(host, 'v2', packed, differences)
        expectCode(answer, codes.baseUnfit)
        expect(result(answer)[1]).toContain('its files were changed on this host')
        expectRefused(host)
        // What is new comes whole in the ordinary delta, so that the change is of no concern.
        const plain = await packDelta(join(host.home, 'trees/from'), join(host.home, 'trees/to'))
        expectCode(await stageDelta(host, 'v2', plain), 0)
        expect(listingOf(host.at('releases/v2')).equals(listingOf(join(host.home, 'trees/to')))).toBe(true)
      },
    )

    test('what the patch takes away and the base never had is not read', async () => {
      const host = makeHost()
      const packed = await onV1(host)
      // Reading it would never end.
      const outside = Buffer.from(`-F ${'0'.repeat(64)}  ./../../../../../../../../../../dev/zero\0`)
      const { patch } = await packDelta(join(host.home, 'trees/from'), join(host.home, 'trees/to'))
      const input = Buffer.concat([outside, patch])
      const forged = { ...packed, patch: execFileSync('zstd', ['-cq'], { input }) }
      expectCode(await stageDelta(host, 'v2', forged, { ...differences, limit: 20_000 }), 0)
      expectV2(host)
    })

    test('a zstd that is too old for it: the probe says so, and the call is refused', async () => {
      const host = makeHost()
      const packed = await onV1(host)
      const old = '#!/bin/sh\ncase "$*" in *--patch-from*) echo "Incorrect parameters" >&2; exit 1 ;; esac\n'
      const path = (process.env['PATH'] ?? '').split(':').map((directory) => join(directory, 'zstd'))
      const real = path.find((file) => existsSync(file)) ?? ''
      writeFileSync(join(host.bin, 'zstd'), `${old}exec ${real} "$@"\n`, { mode: 0o755 })
      const { tools } = await facts(host)
      expect([tools.has('zstd'), tools.has('zstd-patch')]).toEqual([true, false])
      expectCode(await stageDelta(host, 'v2', packed, differences), codes.baseUnfit)
      expectRefused(host)
      expect(readFileSync(host.at('releases/v1/kept'), 'utf8')).toBe('kept')
    })
  })

  test.runIf(shell === 'busybox')('a host without zstd is not told by differences', async () => {
    const host = makeHost()
    const { tools } = await facts(host)
    expect(tools.has('zstd-patch')).toBe(false)
  })
})
