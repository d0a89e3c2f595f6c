/**
 * The agent is killed, with all of its process group, at each of its own steps: right before every command that changes
 * what others see on the disk. After each crash the host is whole, and the same call (as a new attempt) gets to the same end.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { activate, confirm, delta, prune, put, revert, stage } from '../../../src/remote/verbs.js'
import type { AgentCall } from '../../../src/remote/wire.js'
import { packDifferences, type PackedDelta } from './delta-on-disk.js'
import { LocalHost, shells } from './host.js'
import { listingOf, pack, plant, sha256 } from './release-on-disk.js'
import {
  currentOf,
  expectCode,
  expectWhole,
  facts,
  packTree,
  putBoth,
  ship,
  smallTree,
  stageTree,
} from './steps.js'

const steps = ['mv', 'ln', 'rm', 'rmdir', 'mkdir', 'tar', 'cp']

/** Makes the commands count themselves in a file, and kill the whole group at the one whose number is in another. */
function boobyTrap(host: LocalHost): void {
  for (const name of steps) {
    const real = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
    const text = `#!/bin/sh
[ -f '${host.home}/kill-at' ] || exec ${real} "$@"
n=$(($(cat '${host.home}/count') + 1)); echo $n > '${host.home}/count'
[ "$n" != "$(cat '${host.home}/kill-at')" ] || kill -9 0
exec ${real} "$@"
`
    writeFileSync(join(host.bin, name), text, { mode: 0o755 })
  }
}

async function killedAt(host: LocalHost, point: number, call: AgentCall): Promise<boolean> {
  writeFileSync(join(host.home, 'count'), '0')
  writeFileSync(join(host.home, 'kill-at'), String(point))
  const answer = await host.call(call)
  rmSync(join(host.home, 'kill-at'))
  if (answer.kind === 'answer') expectCode(answer, 0)
  return answer.kind === 'unknown'
}

interface Story {
  readonly prepare: (host: LocalHost) => Promise<void>
  /** What an attempt does before the call that is killed. */
  readonly before?: (host: LocalHost, attempt: number) => Promise<void>
  readonly call: (host: LocalHost, attempt: number) => AgentCall
  readonly check: (host: LocalHost) => Promise<void>
}

/** Kills the call at each point until it gets through, and runs it again each time. */
async function atEachPoint({ prepare, before, call, check }: Story): Promise<number> {
  const template = new LocalHost('dash')
  onTestFinished(() => template.close())
  await prepare(template)
  for (let point = 1; ; point++) {
    const host = new LocalHost('dash')
    cpSync(template.home, host.home, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (from) => from !== template.bin,
    })
    try {
      await before?.(host, 1)
      boobyTrap(host)
      const killed = await killedAt(host, point, call(host, 1))
      expectWhole(host)
      if (killed) {
        await before?.(host, 2)
        expectCode(await host.call(call(host, 2)), 0)
        expectWhole(host)
      }
      await check(host)
      if (!killed) return point - 1
    } finally {
      await host.close()
    }
  }
}

describe.skipIf(shells.every(({ shell, installed }) => shell !== 'dash' || !installed))(
  'killed anywhere',
  () => {
    const v2 = (host: LocalHost): string => packTree(host, 'v2').digest
    const onV1 = async (host: LocalHost): Promise<void> => {
      await ship(host, 'v1')
      expectCode(await stageTree(host, 'v2', { id: 's' }), 0)
    }
    const onTrial = async (host: LocalHost): Promise<void> => {
      await onV1(host)
      expectCode(
        await host.call(activate({ fence: 1, release: 'v2', digest: v2(host), id: 'try', guard: 0 })),
        0,
      )
    }

    test('stage', { timeout: 300_000 }, async () => {
      const killed = await atEachPoint({
        prepare: async (host) => void packTree(host, 'v1'),
        before: (host, attempt) => putBoth(host, 'v1', packTree(host, 'v1'), { id: `attempt${attempt}` }),
        call: (host, attempt) =>
          stage({
            fence: 1,
            release: 'v1',
            id: `attempt${attempt}`,
            digest: packTree(host, 'v1').digest,
            encoding: 'none',
            shared: [],
          }),
        check: async (host) => {
          expect((await facts(host)).releases).toHaveLength(1)
          expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
        },
      })
      expect(killed).toBeGreaterThan(8)
    })

    test('delta', { timeout: 300_000 }, async () => {
      const trees = (host: LocalHost): readonly [string, string] => [
        join(host.home, 'trees/from'),
        join(host.home, 'trees/to'),
      ]
      const calls = (id: string, packed: PackedDelta): readonly AgentCall[] => {
        const bytes = Buffer.concat([packed.patch, packed.tar])
        const names = { fence: 1, release: 'v2', id }
        const body = { size: bytes.length, sha256: sha256(bytes), patchSize: packed.patch.length }
        const base = { release: 'v1', digest: packed.baseDigest }
        const { digest } = packed
        return [
          put({ ...names, name: 'delta', ...body }),
          delta({
            ...{ ...names, digest, base, body, shared: [] },
            ...{ encoding: 'zstd', fromReplaced: true, verify: 'changed' },
          }),
        ]
      }
      let packed: PackedDelta | undefined
      const call = (attempt: number, which: 0 | 1): AgentCall => {
        const made = packed === undefined ? undefined : calls(`attempt${attempt}`, packed)[which]
        if (made === undefined) throw new Error('nothing was packed')
        return made
      }
      const killed = await atEachPoint({
        prepare: async (host) => {
          const [from, to] = trees(host)
          plant(from, { ...smallTree, changes: '1', 'gone/x': 'x', 'place/old': 'moves' })
          plant(to, { ...smallTree, changes: '2', 'place/new': 'moves' })
          expectCode(await stageTree(host, 'v1', { packed: pack(from) }), 0)
          packed = await packDifferences(from, to)
        },
        before: async (host, attempt) => {
          const bytes = Buffer.concat(packed === undefined ? [] : [packed.patch, packed.tar])
          expectCode(await host.call(call(attempt, 0), { stdin: bytes }), 0)
        },
        call: (_, attempt) => call(attempt, 1),
        check: async (host) => {
          expect((await facts(host)).releases).toHaveLength(2)
          expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
          const [, to] = trees(host)
          expect(listingOf(host.at('releases/v2')).equals(listingOf(to))).toBe(true)
        },
      })
      expect(killed).toBeGreaterThan(8)
    })

    test('activate', { timeout: 300_000 }, async () => {
      const killed = await atEachPoint({
        prepare: onV1,
        call: (host, attempt) =>
          activate({ fence: 2, release: 'v2', digest: v2(host), id: `attempt${attempt}`, guard: 0 }),
        check: async (host) => {
          const { unconfirmed } = await facts(host)
          expect(unconfirmed).toMatchObject({ release: 'v2', previous: 'v1' })
          expect(currentOf(host)).toBe('releases/v2')
          expectCode(await host.call(revert({ fence: 2, id: unconfirmed?.id ?? '', markBad: false })), 0)
          expect(currentOf(host)).toBe('releases/v1')
        },
      })
      expect(killed).toBeGreaterThan(5)
    })

    test.each([
      ['confirm', () => confirm({ fence: 1, id: 'try', via: 'deploy' }), 'releases/v2'],
      ['revert', () => revert({ fence: 1, id: 'try', markBad: true }), 'releases/v1'],
    ] as const)('%s', { timeout: 300_000 }, async (_, call, end) => {
      const killed = await atEachPoint({
        prepare: onTrial,
        call,
        check: async (host) => {
          expect(currentOf(host)).toBe(end)
          expect((await facts(host)).unconfirmed).toBeUndefined()
        },
      })
      expect(killed).toBeGreaterThan(3)
    })

    test('prune', { timeout: 300_000 }, async () => {
      const killed = await atEachPoint({
        prepare: async (host) => {
          for (const release of ['v1', 'v2', 'v3']) await ship(host, release)
        },
        call: () => prune({ fence: 1, keep: 1 }),
        check: async (host) => {
          expect((await facts(host)).good).toEqual(['v2', 'v3'])
          expect(readdirSync(host.at('.deliver/manifests'))).toEqual(['v2', 'v3'])
          expect(readdirSync(host.at('.deliver/trash'))).toEqual([])
        },
      })
      expect(killed).toBeGreaterThan(5)
    })
  },
)
