import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { readJournal, readState, readSwitch } from '../../../src/remote/readings.js'
import { journal } from '../../../src/remote/look-verbs.js'
import { activate, confirm, revert, withdraw } from '../../../src/remote/verbs.js'
import { onEachShell, type LocalHost } from './host.js'
import {
  commandService,
  currentOf,
  expectCode,
  expectWhole,
  facts,
  packTree,
  result,
  ship,
  stageTree,
} from './steps.js'

const tell = 'printf "%s %s %s\\n" "$DELIVER_RELEASE" "$(cat RELEASE)" "$DELIVER_PATH" >> ../../restarts'

async function staged(host: LocalHost, release: string): Promise<string> {
  const packed = packTree(host, release)
  expectCode(await stageTree(host, release, { packed, id: `s-${release}` }), 0)
  return packed.digest
}

onEachShell((makeHost) => {
  describe('activate', () => {
    test('switches by a relative link, restarts in the new release, and is on trial', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      const call = activate({
        fence: 1,
        release: 'v2',
        digest,
        id: 'try',
        guard: 0,
        service: commandService(tell),
      })
      const answer = await host.call(call)
      expect(readSwitch(answer)).toMatchObject({ kind: 'ok', value: { previous: 'v1', restarted: true } })
      expect(currentOf(host)).toBe('releases/v2')
      expect(readFileSync(host.at('restarts'), 'utf8')).toBe(`v2 v2 ${host.at()}\n`)
      expect((await facts(host)).unconfirmed).toEqual({ id: 'try', release: 'v2', previous: 'v1' })
    })

    test('heard a second time changes and restarts nothing, unless the first time failed', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      const service = commandService(`${tell}; test -e ../../repaired`)
      const call = activate({ fence: 1, release: 'v2', digest, id: 'try', guard: 0, service })
      expectCode(await host.call(call), codes.restartFailed)
      writeFileSync(host.at('repaired'), '')
      expect(readSwitch(await host.call(call))).toMatchObject({ value: { already: false, restarted: true } })
      expect(readSwitch(await host.call(call))).toMatchObject({ value: { already: true, previous: 'v1' } })
      expect(readFileSync(host.at('restarts'), 'utf8').trim().split('\n')).toHaveLength(2)
      expect((await facts(host)).unconfirmed).toEqual({ id: 'try', release: 'v2', previous: 'v1' })
    })

    test('another attempt after a crash goes back to what was confirmed, not to the release on trial', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      for (const id of ['first', 'second']) {
        expectCode(await host.call(activate({ fence: 1, release: 'v2', digest, id, guard: 0 })), 0)
      }
      expectCode(await host.call(revert({ fence: 1, id: 'first', markBad: false })), codes.lostRace)
      expectCode(await host.call(revert({ fence: 1, id: 'second', markBad: false })), 0)
      expect(currentOf(host)).toBe('releases/v1')
    })

    test.each([
      ['fails', 'echo to stdout; echo to stderr >&2; exit 3', 10_000, codes.restartFailed, 'exit code 3'],
      ['hangs', 'echo to stdout; echo to stderr >&2; sleep 1000', 1000, codes.restartTimedOut, 'timed out'],
    ])('a restart that %s shows its output and stays on trial', async (_, restart, timeout, code, text) => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      const service = commandService(restart, timeout)
      const answer = await host.call(
        activate({ fence: 1, release: 'v1', digest, id: 'try', guard: 0, service }),
      )
      expectCode(answer, code)
      expect(result(answer)[1]).toContain(text)
      expect(answer.log).toBe('to stdout\nto stderr')
      expect((await facts(host)).unconfirmed).toMatchObject({ id: 'try' })
    })

    test('a restart that leaves a process with its output open is not waited for', async () => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      const service = commandService('sleep 20 & echo $! > ../../left')
      const answer = await host.call(
        activate({ fence: 1, release: 'v1', digest, id: 'try', guard: 0, service }),
        { timeout: 8000 },
      )
      expectCode(answer, 0)
      // It would also keep the lock, had it got our file descriptors.
      expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy', lockWait: 0 })), 0)
      process.kill(Number(readFileSync(host.at('left'), 'utf8')))
    })

    test.each([
      ['a directory', (path: string) => mkdirSync(path)],
      ['a link elsewhere', (path: string) => symlinkSync('/tmp', path)],
      ['a file', (path: string) => writeFileSync(path, '')],
    ])('refuses a current that is %s', async (_, make) => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      make(host.at('current'))
      expectCode(
        await host.call(activate({ fence: 1, release: 'v1', digest, id: 'try', guard: 0 })),
        codes.precondition,
      )
      const { current, problems } = await facts(host)
      expect([current.kind, problems.map(({ code }) => code)]).toEqual(['foreign', ['current']])
    })

    test('refuses what is not staged, or not with that content', async () => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      const call = { fence: 1, release: 'v1', digest, id: 'try', guard: 0 }
      expectCode(await host.call(activate({ ...call, release: 'v9' })), codes.noSuchRelease)
      expectCode(await host.call(activate({ ...call, digest: '0'.repeat(64) })), codes.precondition)
      expect(currentOf(host)).toBeUndefined()
    })
  })

  describe('confirm', () => {
    test('is a compare-and-set, and may be repeated', async () => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), codes.lostRace)
      expectCode(await host.call(activate({ fence: 1, release: 'v1', digest, id: 'try', guard: 0 })), 0)
      expectCode(await host.call(confirm({ fence: 1, id: 'other', via: 'deploy' })), codes.lostRace)
      for (let times = 0; times < 2; times++)
        expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), 0)
      const told = await facts(host)
      expect(told).toMatchObject({ good: ['v1'], via: 'deploy', releases: [{ release: 'v1', mark: 'good' }] })
      expect(told.unconfirmed).toBeUndefined()
    })

    test('a rollback marks what it left as bad, and orders by confirmation', async () => {
      const host = makeHost()
      for (const release of ['v1', 'v2']) await ship(host, release)
      const digest = packTree(host, 'v1').digest
      expectCode(await host.call(activate({ fence: 1, release: 'v1', digest, id: 'back', guard: 0 })), 0)
      expectCode(await host.call(confirm({ fence: 1, id: 'back', via: 'rollback', markBad: 'v2' })), 0)
      const told = await facts(host)
      expect(told).toMatchObject({ good: ['v1'], via: 'rollback', current: { release: 'v1' } })
      expect(told.releases).toMatchObject([{ mark: 'good' }, { mark: 'bad' }])
    })
  })

  describe('a switch whose call comes late', () => {
    const switchTo = (release: string, digest: string, id = 'try') =>
      activate({ fence: 1, release, digest, id, guard: 0, service: commandService(tell) })

    test('is refused after it was withdrawn, and only that one', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      const withdrawn = readState(await host.call(withdraw({ fence: 1, id: 'try', release: 'v2' })))
      expect(withdrawn).toMatchObject({ kind: 'ok', value: { current: { release: 'v1' } } })
      expectCode(await host.call(switchTo('v2', digest)), codes.lostRace)
      expect(currentOf(host)).toBe('releases/v1')
      expect(existsSync(host.at('restarts'))).toBe(false)
      expectCode(await host.call(switchTo('v2', digest, 'next')), 0)
    })

    test('is refused after it was undone', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      expectCode(await host.call(switchTo('v2', digest)), 0)
      expectCode(await host.call(revert({ fence: 1, id: 'try', markBad: true })), 0)
      expectCode(await host.call(switchTo('v2', digest)), codes.lostRace)
      expect(currentOf(host)).toBe('releases/v1')
    })

    test('is refused after it was confirmed: nothing is restarted', async () => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      expectCode(await host.call(switchTo('v1', digest)), 0)
      expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), 0)
      expectCode(await host.call(switchTo('v1', digest)), codes.lostRace)
      expect(readFileSync(host.at('restarts'), 'utf8').trim().split('\n')).toHaveLength(1)
      expect((await facts(host)).unconfirmed).toBeUndefined()
    })

    test('what is on trial stays so when it is withdrawn, is told, and is not restarted any more', async () => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      expectCode(await host.call(switchTo('v1', digest)), 0)
      const answer = readState(await host.call(withdraw({ fence: 1, id: 'try', release: 'v1' })))
      expect(answer).toMatchObject({ kind: 'ok', value: { unconfirmed: { id: 'try', release: 'v1' } } })
      expectCode(await host.call(switchTo('v1', digest)), codes.lostRace)
      expect(readFileSync(host.at('restarts'), 'utf8').trim().split('\n')).toHaveLength(1)
      expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), 0)
    })
  })

  describe('revert', () => {
    test('goes back, restarts the old release, marks the new one bad, and may be repeated', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      expectCode(await host.call(activate({ fence: 1, release: 'v2', digest, id: 'try', guard: 0 })), 0)
      const back = revert({ fence: 1, id: 'try', markBad: true, service: commandService(tell) })
      expectCode(await host.call(back), 0)
      expect(readSwitch(await host.call(back))).toMatchObject({
        kind: 'ok',
        value: { already: true, previous: 'v1' },
      })
      expect(readFileSync(host.at('restarts'), 'utf8')).toBe(`v1 v1 ${host.at()}\n`)
      expect(await facts(host)).toMatchObject({
        current: { release: 'v1' },
        good: ['v1'],
        releases: [{}, { mark: 'bad' }],
      })
      expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), codes.lostRace)
    })

    test('goes back to what ran also when its manifest is lost, for it served', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      rmSync(host.at('.deliver/manifests/v1'), { recursive: true })
      const digest = await staged(host, 'v2')
      expectCode(await host.call(activate({ fence: 1, release: 'v2', digest, id: 'try', guard: 0 })), 0)
      const service = commandService(tell)
      expectCode(await host.call(revert({ fence: 1, id: 'try', markBad: true, service })), 0)
      expect(currentOf(host)).toBe('releases/v1')
      expect(readFileSync(host.at('restarts'), 'utf8')).toBe(`v1 v1 ${host.at()}\n`)
    })

    test('of a first deploy stops the service and removes current', async () => {
      const host = makeHost()
      const digest = await staged(host, 'v1')
      expectCode(await host.call(activate({ fence: 1, release: 'v1', digest, id: 'try', guard: 0 })), 0)
      const service = commandService('exit 1', 5000, 'echo stopped > stopped')
      const answer = await host.call(revert({ fence: 1, id: 'try', markBad: true, service }))
      expect(result(answer)).toEqual([0, 'no release: nothing ran here before'])
      expect(currentOf(host)).toBeUndefined()
      expect(existsSync(host.at('stopped'))).toBe(true)
      expect((await facts(host)).unconfirmed).toBeUndefined()
    })

    test('whose restart fails has switched, and restarts again when repeated', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      expectCode(await host.call(activate({ fence: 1, release: 'v2', digest, id: 'try', guard: 0 })), 0)
      const back = revert({
        fence: 1,
        id: 'try',
        markBad: true,
        service: commandService('test -e ../../repaired'),
      })
      expectCode(await host.call(back), codes.restartFailed)
      expect(currentOf(host)).toBe('releases/v1')
      writeFileSync(host.at('repaired'), '')
      expectCode(await host.call(back), 0)
      expect((await facts(host)).unconfirmed).toBeUndefined()
    })

    test('to a release that is gone leaves everything as it is', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      expectCode(await host.call(activate({ fence: 1, release: 'v2', digest, id: 'try', guard: 0 })), 0)
      rmSync(host.at('releases/v1'), { recursive: true })
      expectCode(await host.call(revert({ fence: 1, id: 'try', markBad: true })), codes.noSuchRelease)
      expect(currentOf(host)).toBe('releases/v2')
    })
  })

  describe('the guard', () => {
    async function onTrial(host: LocalHost, guard: number): Promise<void> {
      await ship(host, 'v1')
      const digest = await staged(host, 'v2')
      const service = commandService(tell)
      expectCode(await host.call(activate({ fence: 1, release: 'v2', digest, id: 'try', guard, service })), 0)
    }

    test('goes back when nobody confirms, and journals it', async () => {
      const host = makeHost()
      await onTrial(host, 1000)
      await vi.waitFor(
        () => expect(readFileSync(host.at('.deliver/state'), 'utf8')).toContain('reverted try'),
        20_000,
      )
      expect(readlinkSync(host.at('current'))).toBe('releases/v1')
      expect(readFileSync(host.at('restarts'), 'utf8')).toMatch(/^v2 v2 .*\nv1 v1 .*\n$/)
      expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), codes.lostRace)
      const lines = readJournal(await host.call(journal(2)))
      expect(lines).toMatchObject({ value: [{ verb: 'guard', release: 'v2' }, { verb: 'confirm' }] })
    })

    test('of a confirm and a guard at the same time exactly one wins', async () => {
      const host = makeHost()
      await onTrial(host, 1000)
      const answer = await new Promise<Awaited<ReturnType<LocalHost['call']>>>((resolve) => {
        setTimeout(() => resolve(host.call(confirm({ fence: 1, id: 'try', via: 'deploy' }))), 900)
      })
      const [code] = result(answer)
      if (code === 0) {
        expect(currentOf(host)).toBe('releases/v2')
        expect((await facts(host)).good).toEqual(['v1', 'v2'])
      } else {
        expect(code).toBe(codes.lostRace)
        await vi.waitFor(() => expect(currentOf(host)).toBe('releases/v1'), 20_000)
      }
      expectWhole(host)
    })
  })
})
