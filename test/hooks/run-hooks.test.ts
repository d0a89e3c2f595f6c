import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/adapters/clock.js'
import type { Hook, HookContext, HookPoint } from '../../src/config/hooks.js'
import { fixedTurns } from '../../src/execute/parallel.js'
import { runHooks } from '../../src/hooks/run-hooks.js'
import { Vault } from '../../src/secrets/vault.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { configWith } from '../execute/world.js'

let directory: string
let events: DeliverEvent[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'deliver-hooks-'))
  events = []
})
afterEach(() => rmSync(directory, { recursive: true }))

const hook = (run: Hook['run'], change: Partial<Hook> = {}): Hook => ({
  run,
  on: 'local',
  timeout: 20_000,
  env: {},
  failure: 'stop',
  name: 'it',
  ...change,
})

const vault = new Vault(() => undefined)
const never = new AbortController().signal

function runAt(point: HookPoint, hooks: readonly Hook[], signal = never, env: NodeJS.ProcessEnv = {}) {
  return runHooks(
    {
      config: configWith({ directory, hooks: { [point]: hooks } }),
      env: { PATH: process.env['PATH'], ...env },
      reporter: { event: (event) => events.push(event), close: () => Promise.resolve() },
      clock: systemClock,
      slots: fixedTurns(2).slotsOfBoth(),
      reveal: (values, where) =>
        vault.revealAll(values, where, { directory: '/', env: { TOKEN: 'hunter2-token' } }),
      redactor: vault.redactor,
    },
    {
      values: { point, app: 'api', environment: 'production', hosts: [], release: 'v1' },
      hosts: [],
      staged: false,
      signal,
    },
  )
}

const lines = (): readonly string[] =>
  events.flatMap((event) => (event.type === 'output' ? [event.line] : []))
const written = (name: string): string => readFileSync(join(directory, name), 'utf8')

describe('a command here', () => {
  test('runs where the config is, with what it needs to know, and its output is shown', async () => {
    await runAt('beforeBatch', [
      hook('pwd; echo "$DELIVER_HOOK $DELIVER_RELEASE $OWN" >&2', { env: { OWN: 'x' } }),
    ])
    expect(lines()).toContain(directory)
    expect(lines()).toContain('beforeBatch v1 x')
  })

  test('runs in the directory that it names', async () => {
    await runAt('beforeBatch', [
      hook('mkdir in'),
      hook('touch here', { dir: 'in' }),
      hook('pwd', { dir: '/' }),
    ])
    expect(existsSync(join(directory, 'in', 'here'))).toBe(true)
    expect(lines()).toEqual(['/'])
  })

  test('is told nothing of what a deliver around ours told us', async () => {
    const env = { DELIVER_HOST: 'outer', DELIVER_BECAUSE: 'outer', DELIVER_RELEASE: 'outer', OTHER: 'kept' }
    const command = 'echo "${DELIVER_HOST-none} ${DELIVER_BECAUSE-none} $DELIVER_RELEASE $OTHER"'
    await runAt('beforeBatch', [hook(command)], never, env)
    expect(lines()).toEqual(['none none v1 kept'])
  })

  test.each([
    ['exit 3', 'failed with exit code 3'],
    ['kill -9 $$', 'was killed by SIGKILL'],
  ])('%s: the step fails', async (command, because) => {
    await expect(runAt('beforeBatch', [hook(command)])).rejects.toThrow(`hook beforeBatch: it ${because}`)
  })

  test('its time is up: all that it started is killed', async () => {
    const slow = hook('(trap "" TERM; sleep 300 & echo $! >child; wait) & wait', { timeout: 300 })
    await expect(runAt('beforeBatch', [slow])).rejects.toThrow('did not end within 0.3s, and was killed')
    const child = Number(written('child'))
    await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow(), 20_000)
  })

  test('an interrupt ends it', async () => {
    const stop = new AbortController()
    const running = runAt('beforeBatch', [hook('echo begun; sleep 300')], stop.signal)
    await vi.waitFor(() => expect(lines()).toEqual(['begun']), 20_000)
    stop.abort()
    await expect(running).rejects.toThrow('was interrupted')
  })

  test('that floods is shown with its beginning and its end', async () => {
    await runAt('beforeBatch', [hook('i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done')])
    const shown = lines()
    expect(shown.length).toBe(1021)
    expect(shown.slice(998, 1003)).toEqual(['998', '999', '… 1980 lines left out …', '2980', '2981'])
    expect(shown.at(-1)).toBe('2999')
  })
})

describe('a function', () => {
  test('is told what is true, and its notes are shown', async () => {
    let told: HookContext | undefined
    const tell = (context: HookContext): void => {
      told = context
      context.note('hello')
    }
    await runAt('beforeBatch', [hook(tell)])
    expect(told).toMatchObject({ point: 'beforeBatch', app: 'api', release: 'v1', hosts: [] })
    expect(events).toContainEqual({ type: 'note', text: 'hello' })
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no good')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no good'))],
  ])('that %s fails the step', async (_how, run) => {
    await expect(runAt('beforeBatch', [hook(run)])).rejects.toThrow('hook beforeBatch: it failed: no good')
  })

  test('that takes too long is told so, and left behind', async () => {
    let aborted = false
    const slow = ({ signal }: HookContext): Promise<void> =>
      new Promise(() => signal.addEventListener('abort', () => (aborted = true)))
    const running = runAt('beforeBatch', [hook(slow, { timeout: 20 })])
    await expect(running).rejects.toThrow('did not end within 0.02s')
    expect(aborted).toBe(true)
  })

  test('is told of an interrupt', async () => {
    const stop = new AbortController()
    const slow = ({ note }: HookContext): Promise<void> => new Promise(() => note('begun'))
    const running = runAt('beforeBatch', [hook(slow)], stop.signal)
    await vi.waitFor(() => expect(events).toContainEqual({ type: 'note', text: 'begun' }))
    stop.abort()
    await expect(running).rejects.toThrow('was interrupted')
  })
})

describe('a list', () => {
  const add = (what: string): string => `echo ${what} >>order`

  test('runs in its order, one after the other', async () => {
    const push = async (): Promise<void> => {
      await runAt('afterBatch', [hook(add('inner'))])
    }
    await runAt('beforeBatch', [hook(`sleep 0.2; ${add('a')}`), hook(push), hook(add('b'))])
    expect(written('order')).toBe('a\ninner\nb\n')
  })

  test('ends with the first that fails and says stop', async () => {
    const list = [hook(add('a')), hook('exit 1', { name: 'second' }), hook(add('b'))]
    await expect(runAt('beforeBatch', list)).rejects.toThrow('second failed')
    expect(written('order')).toBe('a\n')
  })

  test('goes on after one that only warns', async () => {
    await runAt('beforeBatch', [hook('exit 1', { failure: 'warn' }), hook(add('b'))])
    expect(written('order')).toBe('b\n')
    expect(events).toContainEqual({ type: 'warning', text: 'hook beforeBatch: it failed with exit code 1' })
  })
})
