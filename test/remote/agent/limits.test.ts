/** What hangs on a host ends there, even when nobody is left to tell it to, and frees the host's lock. */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { file, fileBody, prune, put, stage } from '../../../src/remote/verbs.js'
import { packDelta, stageDelta } from './delta-on-disk.js'
import { onMostShells, type LocalHost } from './host.js'
import { pack, plant, sha256 } from './release-on-disk.js'
import {
  expectCode,
  expectWhole,
  facts,
  packTree,
  putBoth,
  result,
  ship,
  smallTree,
  stageTree,
} from './steps.js'

/** A program that never ends, whatever it is asked for by TERM, and notes its pid. */
function hang(host: LocalHost, name: string, how: string): void {
  const text = `#!/bin/sh\necho $$ >>'${host.home}/hung'\n${how}\n`
  writeFileSync(join(host.bin, name), text, { mode: 0o755 })
}

const ways = [
  ['hangs', `trap '' TERM; while :; do sleep 1; done`],
  // KILL is all that a stopped process hears.
  ['is stopped', 'kill -STOP $$'],
] as const

async function expectGone(host: LocalHost): Promise<void> {
  for (const pid of readFileSync(join(host.home, 'hung'), 'utf8').trim().split('\n')) {
    await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow(), 20_000)
  }
}

/** More of a payload that never comes. */
function stalled(start: Buffer): () => Readable {
  return () => {
    const source = new Readable({ read() {} })
    source.push(start)
    return source
  }
}

onMostShells(
  (makeHost, shell) => {
    describe('a sender that stalls', () => {
      test('loses the lock, and what came is swept', async () => {
        const host = makeHost()
        const upload = {
          fence: 1,
          release: 'v1',
          id: 'slow',
          name: 'archive' as const,
          sha256: '0'.repeat(64),
        }
        const answer = await host.call(put({ ...upload, size: 9, idle: 1000 }), {
          stdin: stalled(Buffer.from('half')),
        })
        expect(result(answer)).toEqual([
          codes.verificationFailed,
          'the archive did not arrive whole: nothing came for 1 s, 4 of 9 bytes are here',
        ])
        expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
        expectCode(await host.call(prune({ fence: 1, keep: 1, lockWait: 5 })), 0)
      })

      test('one that is slow does not, as long as bytes come', async () => {
        const host = makeHost()
        const bytes = Buffer.from('0123')
        const part = host.at('.deliver/incoming/v1.a/archive.part')
        const slowly = (): Readable =>
          Readable.from(
            (async function* () {
              for (let at = 0; at < bytes.length; at++) {
                yield bytes.subarray(at, at + 1)
                await vi.waitFor(() => expect(statSync(part).size).toBe(at + 1), 10_000)
              }
            })(),
          )
        const names = { fence: 1, release: 'v1', id: 'a', name: 'archive', size: bytes.length } as const
        const call = put({ ...names, sha256: sha256(bytes), idle: 5000 })
        expectCode(await host.call(call, { stdin: slowly }), 0)
      })

      test('of a file with secrets loses the lock', async () => {
        const host = makeHost()
        await ship(host, 'v1')
        const call = file({ fence: 1, release: 'v1', path: '.env', mode: '600', limit: 1000, lockWait: 0 })
        expectCode(
          await host.call(call, { stdin: stalled(fileBody(Buffer.from('half'), '0'.repeat(64))) }),
          23,
        )
        expectCode(await host.call(prune({ fence: 1, keep: 1, lockWait: 5 })), 0)
        expectWhole(host)
      })

      test('ends by the total limit, too', async () => {
        const host = makeHost()
        const upload = {
          fence: 1,
          release: 'v1',
          id: 'drip',
          name: 'archive' as const,
          sha256: '0'.repeat(64),
        }
        const call = put({ ...upload, size: 9, limit: 1000, lockWait: 0 })
        const answer = await host.call(call, { stdin: stalled(Buffer.from('half')) })
        expect(result(answer)).toEqual([codes.timedOut, 'not done after 1 s on the host, and ended there'])
        expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
        expectCode(await host.call(prune({ fence: 1, keep: 1, lockWait: 5 })), 0)
      })
    })

    // busybox's shell takes its own applets, whatever the PATH.
    describe.skipIf(shell === 'busybox').each(ways)('a program that %s', (_, how) => {
      test('tar: the stage ends, what it left is swept, and the next attempt succeeds', async () => {
        const host = makeHost()
        const packed = packTree(host, 'v1')
        await putBoth(host, 'v1', packed)
        hang(host, 'tar', how)
        const call = { fence: 1, release: 'v1', id: 'put1', digest: packed.digest, shared: [] }
        const answer = await host.call(stage({ ...call, encoding: 'none', limit: 1000, lockWait: 0 }))
        expect(result(answer)).toEqual([codes.timedOut, 'not done after 1 s on the host, and ended there'])
        await expectGone(host)
        expect(existsSync(host.at('releases/v1'))).toBe(false)
        expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
        expect(readFileSync(host.at('.deliver/journal'), 'utf8')).toMatch(/ 1 stage v1 23 not done after 1 s/)
        writeFileSync(join(host.bin, 'tar'), '#!/bin/sh\nexec /bin/tar "$@"\n', { mode: 0o755 })
        expectCode(await stageTree(host, 'v1', { packed, id: 'again' }), 0)
        expectWhole(host)
      })

      test('rm: the prune ends, and the next one removes what is left', async () => {
        const host = makeHost()
        for (const release of ['v1', 'v2', 'v3']) await ship(host, release)
        hang(host, 'rm', `case "$*" in *trash/*) ;; *) exec /bin/rm "$@";; esac\n${how}`)
        const answer = await host.call(prune({ fence: 1, keep: 1, limit: 1000, lockWait: 0 }))
        expectCode(answer, codes.timedOut)
        await expectGone(host)
        expectWhole(host)
        expect((await facts(host)).current).toEqual({ kind: 'release', release: 'v3' })
        writeFileSync(join(host.bin, 'rm'), '#!/bin/sh\nexec /bin/rm "$@"\n', { mode: 0o755 })
        expectCode(await host.call(prune({ fence: 1, keep: 1, lockWait: 5 })), 0)
        expect(readdirSync(host.at('.deliver/trash'))).toEqual([])
        expectWhole(host)
      })

      test('cp: the delta ends, and its base is as it was', async () => {
        const host = makeHost()
        const [from, to] = [join(host.home, 'from'), join(host.home, 'to')]
        plant(from, { ...smallTree, changes: '1' })
        plant(to, { ...smallTree, changes: '2' })
        expectCode(await stageTree(host, 'v1', { packed: pack(from) }), 0)
        const packed = await packDelta(from, to)
        hang(host, 'cp', how)
        const answer = await stageDelta(host, 'v2', packed, { limit: 1000, lockWait: 0 })
        expectCode(answer, codes.timedOut)
        await expectGone(host)
        expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
        expectWhole(host)
      })
    })
  },
  ['dash'],
)
