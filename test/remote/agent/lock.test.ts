import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { prune, put } from '../../../src/remote/verbs.js'
import { onEachShell, type LocalHost } from './host.js'
import { expectCode, facts, packTree, putBoth, result, ship } from './steps.js'

/** Without flock(1), as on macOS and small systems. */
function withoutFlock(host: LocalHost): void {
  rmSync(join(host.bin, 'flock'), { force: true })
  writeFileSync(join(host.bin, 'flock'), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
}

onEachShell((makeHost, shell) => {
  test('a deploy that has been overtaken is fenced out, and changes nothing', async () => {
    const host = makeHost()
    await ship(host, 'v1', 7)
    expect((await facts(host)).fence).toBe(7)
    expectCode(await host.call(prune({ fence: 6, keep: 1 })), codes.fenced)
    expectCode(await host.call(prune({ fence: 7, keep: 1 })), 0)
    expectCode(await host.call(prune({ fence: 9, keep: 1 })), 0)
    // What the later deploy has begun to prepare goes on.
    mkdirSync(host.at('.deliver/preparing'))
    expectCode(await host.call(prune({ fence: 7, keep: 1 })), codes.fenced)
    expect(existsSync(host.at('.deliver/preparing'))).toBe(true)
    expectCode(await host.call(prune({ fence: 9, keep: 1 })), 0)
    expect(existsSync(host.at('.deliver/preparing'))).toBe(false)
  })

  describe.each(['with flock, where there is one', 'without flock'])('%s', (which) => {
    const prepare = (host: LocalHost): void => {
      if (which === 'without flock') withoutFlock(host)
    }

    test('many steps at once happen one after the other', async () => {
      const host = makeHost()
      prepare(host)
      await ship(host, 'v1')
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => host.call(prune({ fence: 1, keep: 1 }))),
      )
      for (const answer of answers) expectCode(answer, 0)
      const journal = readFileSync(host.at('.deliver/journal'), 'utf8').trim().split('\n')
      expect(journal.filter((line) => line.includes(' prune '))).toHaveLength(6)
    })

    test('a step waits for another one as long as told, and then says who', async () => {
      const host = makeHost()
      prepare(host)
      await putBoth(host, 'v1', packTree(host, 'v1'))
      const id = 'slow'
      const cut = new AbortController()
      // A payload that never ends keeps the lock.
      const endless = (): Readable => new Readable({ read() {} })
      const sha256 = '0'.repeat(64)
      const call = put({ fence: 1, release: 'v1', id, name: 'archive', size: 5, sha256 })
      const slow = host.call(call, { stdin: endless, signal: cut.signal })
      while (!existsSync(host.at('.deliver/incoming/v1.slow/archive.part'))) await new Promise(setImmediate)
      const busy = await host.call(prune({ fence: 1, keep: 1, lockWait: 0 }))
      expect(result(busy)).toEqual([codes.busy, expect.stringMatching(/pid \d+, put v1, fence 1/)])
      // Killed, it has the lock no more, and what it left is swept.
      cut.abort()
      expect((await slow).kind).toBe('unknown')
      expectCode(await host.call(prune({ fence: 1, keep: 1, lockWait: 10 })), 0)
      expect(existsSync(host.at('.deliver/incoming/v1.slow'))).toBe(false)
    })
  })

  test('without flock, the lock of a dead process or of a reused pid is taken over', async () => {
    const host = makeHost()
    withoutFlock(host)
    mkdirSync(host.at('.deliver'), { recursive: true })
    const dead = spawn('true')
    await new Promise((resolve) => dead.on('close', resolve))
    for (const owner of [`${dead.pid ?? 0}.1`, `${process.pid}.1`, 'nonsense']) {
      symlinkSync(owner, host.at('.deliver/lock-link'))
      expectCode(await host.call(prune({ fence: 1, keep: 1, lockWait: 5 })), 0)
      expect(existsSync(host.at('.deliver/lock-link'))).toBe(false)
    }
  })

  // busybox's shell takes its own applets, whatever the PATH.
  test.skipIf(shell === 'busybox')(
    'a host where nothing renames over a link in one step is refused before anything happens',
    async () => {
      const host = makeHost()
      for (const name of ['mv', 'perl', 'python3', 'node']) {
        rmSync(join(host.bin, name), { force: true })
        const text =
          name === 'mv'
            ? '#!/bin/sh\nfor a do case $a in -*[Th]*) exit 1;; esac; done\nexec /bin/mv "$@"\n'
            : '#!/bin/sh\nexit 127\n'
        writeFileSync(join(host.bin, name), text, { mode: 0o755 })
      }
      expectCode(await host.call(prune({ fence: 1, keep: 1 })), codes.precondition)
      expect((await facts(host)).problems.map(({ code }) => code)).toEqual(['no-atomic-rename'])
    },
  )
})
