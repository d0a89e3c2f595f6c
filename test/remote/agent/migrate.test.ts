import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { readJournal, readMigration } from '../../../src/remote/readings.js'
import { migrate } from '../../../src/remote/command-verbs.js'
import { journal } from '../../../src/remote/look-verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { expectCode, packTree, result, stageTree } from './steps.js'

async function staged(host: LocalHost, command: string, change: Partial<Parameters<typeof migrate>[0]> = {}) {
  const packed = packTree(host, 'v1')
  expectCode(await stageTree(host, 'v1', { packed }), 0)
  const how = {
    fence: 1,
    release: 'v1',
    digest: packed.digest,
    env: {},
    timeout: 20_000,
    logLines: 40,
    again: false,
  }
  return migrate({ ...how, command, ...change })
}

onMostShells((makeHost) => {
  describe('migrate', () => {
    test('runs in the staged release with its environment, and shows what it printed', async () => {
      const host = makeHost()
      const env = { DELIVER_RELEASE: 'v1', HOSTILE: `$(exit 9)'"\n x` }
      const call = await staged(
        host,
        'cat RELEASE; echo; pwd; echo "$DELIVER_PATH"; printf %s "$HOSTILE" >got',
        {
          env,
        },
      )
      const answer = await host.call(call)
      expectCode(answer, codes.ok)
      expect(answer.log.split('\n')).toEqual(
        ['v1', host.at('releases', 'v1'), host.at()].map((each) => expect.stringContaining(each) as string),
      )
      expect(readFileSync(host.at('releases/v1/got'), 'utf8')).toBe(env.HOSTILE)
      expect(existsSync(host.at('current'))).toBe(false)
      expect(statSync(host.at('.deliver/migrate.log')).mode & 0o077).toBe(0)
    })

    test('runs once for a release', async () => {
      const host = makeHost()
      const call = await staged(host, 'echo ran >>../../ran')
      expect(readMigration(await host.call(call))).toMatchObject({ kind: 'ok', value: { already: false } })
      expect(readMigration(await host.call(call))).toMatchObject({ kind: 'ok', value: { already: true } })
      expect(readFileSync(host.at('ran'), 'utf8')).toBe('ran\n')
    })

    test('one that failed may be run again, and its end is in the journal', async () => {
      const host = makeHost()
      const call = await staged(host, 'echo "no table" >&2; test -e ../../mended')
      const failed = await host.call(call)
      expect(result(failed)).toEqual([codes.failed, 'the migration failed with exit code 1'])
      expect(failed.log).toContain('no table')
      const told = readJournal(await host.call(journal(5)))
      expect(told).toMatchObject({ kind: 'ok' })
      expect(told.kind === 'ok' ? told.value.at(-1) : undefined).toMatchObject({
        verb: 'migrate',
        release: 'v1',
        result: '20 the migration failed with exit code 1',
      })
      const mended = await staged(host, 'true')
      expectCode(await host.call(mended), codes.ok)
    })

    test('one that was cut off is not run again, unless that is asked for', async () => {
      const host = makeHost()
      // The agent's own pid is in its lock.
      const kill = `kill -9 "$(sed 's/pid //; s/,.*//' ../../.deliver/lock-holder)"`
      const call = await staged(host, `echo ran >>../../ran; ${kill}`)
      const ran = () => readFileSync(host.at('ran'), 'utf8')
      expect((await host.call(call)).kind).toBe('unknown')
      expect(ran()).toBe('ran\n')
      const asked = await host.call(call)
      expect(result(asked)).toEqual([
        codes.cutOff,
        'the migration to v1 was begun here before, and cut off: whether it was done is not known',
      ])
      expect(ran()).toBe('ran\n')
      const again = await staged(host, 'echo again >>../../ran', { again: true })
      expectCode(await host.call(again), codes.ok)
      expect(ran()).toBe('ran\nagain\n')
      expect(readMigration(await host.call(call))).toMatchObject({ kind: 'ok', value: { already: true } })
    })

    test('one that goes on after the agent was killed lets no other run beside it', async () => {
      const host = makeHost()
      const kill = `kill -9 "$(sed 's/pid //; s/,.*//' ../../.deliver/lock-holder)"`
      const call = await staged(host, `${kill}; (sleep 3; echo first >>../../ran) & wait`)
      expect((await host.call(call)).kind).toBe('unknown')
      const packed = packTree(host, 'v2')
      expectCode(await stageTree(host, 'v2', { packed }), 0)
      const how = { fence: 1, env: {}, timeout: 20_000, logLines: 40, again: false }
      const next = migrate({
        ...how,
        release: 'v2',
        digest: packed.digest,
        command: 'echo second >>../../ran',
      })
      expect(result(await host.call(next))).toEqual([
        codes.busy,
        expect.stringMatching(/^busy: the migration to v1 still runs here \(pid \d+\)$/),
      ])
      await vi.waitFor(async () => expectCode(await host.call(next), codes.ok), 20_000)
      expect(readFileSync(host.at('ran'), 'utf8')).toBe('first\nsecond\n')
    })

    test('one that is killed there has not failed: whether it was done is not known', async () => {
      const host = makeHost()
      const call = await staged(host, 'echo ran >>../../ran; kill -9 $$')
      expect(result(await host.call(call))).toEqual([
        codes.cutOff,
        'the migration to v1 was killed (exit code 137): whether it was done is not known',
      ])
      expect(result(await host.call(call))[0]).toBe(codes.cutOff)
      expect(readFileSync(host.at('ran'), 'utf8')).toBe('ran\n')
    })

    test('one that fails and leaves processes is not run beside them', async () => {
      const host = makeHost()
      const call = await staged(host, '(sleep 3; echo late >>../../ran) & exit 3')
      expect(result(await host.call(call))).toEqual([
        codes.cutOff,
        'the migration failed with exit code 3, and processes of it still run',
      ])
      expectCode(await host.call(call), codes.busy)
      await vi.waitFor(async () => expectCode(await host.call(call), codes.cutOff), 20_000)
    })

    test('a mark that was cut short counts as begun', async () => {
      const host = makeHost()
      const call = await staged(host, 'true')
      mkdirSync(host.at('.deliver/migrations'))
      writeFileSync(host.at('.deliver/migrations/v1'), '')
      expect(result(await host.call(call))[0]).toBe(codes.cutOff)
    })

    test('what is known of it outlives the release', async () => {
      const host = makeHost()
      const call = await staged(host, 'echo ran >>../../ran')
      expectCode(await host.call(call), codes.ok)
      for (const place of ['releases/v1', '.deliver/manifests/v1'])
        rmSync(host.at(place), { recursive: true, force: true })
      const again = await staged(host, 'echo ran >>../../ran')
      expect(readMigration(await host.call(again))).toMatchObject({ kind: 'ok', value: { already: true } })
      expect(readFileSync(host.at('ran'), 'utf8')).toBe('ran\n')
    })

    test('one that was done runs once more where that is asked for', async () => {
      const host = makeHost()
      const call = await staged(host, 'echo ran >>../../ran', { again: true })
      expectCode(await host.call(call), codes.ok)
      expectCode(await host.call(call), codes.ok)
      expect(readFileSync(host.at('ran'), 'utf8')).toBe('ran\nran\n')
    })

    test('is killed with its children when its time is up', async () => {
      const host = makeHost()
      const call = await staged(host, '(trap "" TERM; sleep 300 & echo $! >../../child; wait) & wait', {
        timeout: 1000,
      })
      expectCode(await host.call(call), codes.restartTimedOut)
      const child = Number(readFileSync(host.at('child'), 'utf8'))
      await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow(), 20_000)
    })

    test('is refused for a release that is not here, that has other content, and by an older deploy', async () => {
      const host = makeHost()
      const call = await staged(host, 'touch ../../ran')
      const { args } = call
      const change = (key: string, value: string) => ({
        ...call,
        args: args.map(([name, was]) => [name, name === key ? value : was] as const),
      })
      expectCode(await host.call(change('release', 'v2')), codes.noSuchRelease)
      expectCode(await host.call(change('digest', 'f'.repeat(64))), codes.precondition)
      expectCode(await host.call(change('fence', '0')), codes.fenced)
      expect(existsSync(host.at('ran'))).toBe(false)
    })
  })
})
