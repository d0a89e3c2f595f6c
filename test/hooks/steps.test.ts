import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.js'
import type { Hook, HookContext, HookPoint } from '../../src/config/hooks.js'
import { fixedTurns } from '../../src/execute/parallel.js'
import type { Point, StepContext } from '../../src/execute/steps.js'
import { hookSteps } from '../../src/hooks/steps.js'
import { Vault } from '../../src/secrets/vault.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { World, configWith } from '../execute/world.js'

let world: World
afterEach(() => world.close())

const vault = new Vault(() => undefined)
const never = new AbortController().signal

const hook = (run: Hook['run'], change: Partial<Hook> = {}): Hook => ({
  run,
  on: 'local',
  timeout: 20_000,
  env: {},
  failure: 'stop',
  name: 'it',
  ...change,
})

type Hooks = { readonly [P in HookPoint]?: readonly Hook[] }

function stepsOf(
  hooks: Hooks,
  { stop = never, lost = never }: { stop?: AbortSignal; lost?: AbortSignal } = {},
) {
  const events: DeliverEvent[] = []
  const migrations: StepContext[] = []
  const steps = hookSteps({
    config: configWith({ directory: '/', hooks }),
    env: { PATH: process.env['PATH'] },
    reporter: { event: (event) => events.push(event), close: () => Promise.resolve() },
    clock: systemClock,
    slots: fixedTurns(4).slotsOfBoth(),
    reveal: (values, where) =>
      vault.revealAll(values, where, { directory: '/', env: { TOKEN: 'hunter2-token' } }),
    redactor: vault.redactor,
    previous: 'v1',
    commitOf: (release) => `commit-of-${release}`,
    stop,
    lost,
    migrate: async (context) => void migrations.push(context),
  })
  const lines = (): readonly string[] =>
    events.flatMap((event) => (event.type === 'output' ? [`${event.host ?? 'here'}: ${event.line}`] : []))
  return { steps, events, lines, migrations }
}

/** A step of a deploy of v2 about these hosts. */
function about(names: readonly string[], change: Partial<StepContext> = {}): StepContext {
  return {
    kind: 'deploy',
    release: 'v2',
    hosts: names.map((name) => ({
      host: world.link(world.host(name).host),
      step: { host: name, from: 'v1', to: 'v2', stage: 'present', act: 'activate', because: '' },
    })),
    ...change,
  }
}

const points: readonly (readonly [Point, HookPoint, HookPoint])[] = [
  ['stage', 'beforeStage', 'afterStage'],
  ['rollout', 'beforeRollout', 'afterRollout'],
  ['batch', 'beforeBatch', 'afterBatch'],
  ['host', 'beforeHost', 'afterHost'],
  ['activate', 'beforeActivate', 'afterActivate'],
  ['settle', 'beforeSettle', 'afterSettle'],
  ['rollback', 'beforeRollback', 'afterRollback'],
]

describe.each(points)('around %s', (point, before, after) => {
  test('its own hooks run, and no others', async () => {
    world = new World('web1')
    const told: HookContext[] = []
    const all = Object.fromEntries(
      points
        .flatMap(([, one, two]) => [one, two])
        .map((each) => [each, [hook((context) => void told.push(context))]]),
    )
    const { steps } = stepsOf(all)
    await steps.before(point, about(['web1']))
    expect(told.map((each) => each.point)).toEqual([before])
    await steps.after(point, about(['web1']))
    expect(told.map((each) => each.point)).toEqual([before, after])
    expect(told.map((each) => each.outcome)).toEqual([undefined, 'done'])
  })

  test('a failure that stops rejects, one that warns does not', async () => {
    world = new World('web1')
    const hooks = { [before]: [hook('exit 3')], [after]: [hook('exit 4', { failure: 'warn' })] }
    const { steps, events } = stepsOf(hooks)
    await expect(steps.before(point, about(['web1']))).rejects.toThrow(
      `hook ${before}: it failed with exit code 3`,
    )
    await steps.after(point, about(['web1']))
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1)
  })
})

describe('what hooks are told', () => {
  test('of all hosts together', async () => {
    world = new World('web1', 'web2')
    let told: HookContext | undefined
    const { steps } = stepsOf({ beforeBatch: [hook((context) => void (told = context))] })
    await steps.before('batch', about(['web1', 'web2'], { batch: { number: 2, of: 3 } }))
    expect(told).toMatchObject({
      command: 'deploy',
      release: 'v2',
      previous: 'v1',
      commit: 'commit-of-v2',
      path: 'app',
      hosts: ['web1', 'web2'],
      batch: { number: 2, of: 3 },
    })
    expect(told?.host).toBeUndefined()
  })

  test('of one host: where it goes itself', async () => {
    world = new World('web1')
    let told: HookContext | undefined
    const { steps } = stepsOf({ beforeHost: [hook((context) => void (told = context))] })
    const [first] = about(['web1']).hosts
    if (first === undefined) throw new Error('no host')
    const other = { ...first, step: { ...first.step, from: 'v7', to: 'v6' } }
    await steps.before('host', about([], { kind: 'rollback', hosts: [other] }))
    expect(told).toMatchObject({ command: 'rollback', release: 'v6', previous: 'v7', host: 'web1' })
  })

  test('of a failure: how it ended and why', async () => {
    world = new World('web1')
    const { steps, lines } = stepsOf({ onFailure: [hook('echo "$DELIVER_OUTCOME: $DELIVER_BECAUSE"')] })
    const outcome = { host: 'web1', ms: 1, kind: 'rolled-back', because: 'ill', runs: 'v1' } as const
    await steps.failure({ ...about(['web1']), because: 'web1 was ill', outcomes: [outcome] })
    expect(lines()).toEqual(['here: rolledBack: web1 was ill'])
  })
})

describe('a command on hosts', () => {
  test('runs on each, in the staged release, and tells the host where it is', async () => {
    world = await World.running('web1', 'web2')
    const { steps, lines } = stepsOf({
      beforeBatch: [hook('cat RELEASE; echo " $DELIVER_HOST $DELIVER_PATH"', { on: 'hosts' })],
    })
    const context = about(['web1', 'web2'])
    const onV1 = {
      ...context,
      hosts: context.hosts.map((each) => ({ ...each, step: { ...each.step, to: 'v1' } })),
    }
    await steps.before('batch', onV1)
    expect([...lines()].sort()).toEqual([
      `web1: v1 web1 ${world.host('web1').path}`,
      `web2: v1 web2 ${world.host('web2').path}`,
    ])
  })

  test('runs on the first alone', async () => {
    world = await World.running('web1', 'web2')
    const { steps, lines } = stepsOf({ beforeBatch: [hook('echo x', { on: 'first', dir: 'current' })] })
    await steps.before('batch', about(['web1', 'web2']))
    expect(lines()).toEqual(['web1: x'])
  })

  test('before staging it runs at home', async () => {
    world = new World('web1')
    const { steps, lines } = stepsOf({ beforeStage: [hook('pwd', { on: 'hosts' })] })
    await steps.before('stage', about(['web1']))
    expect(lines()).toEqual([`web1: ${world.host('web1').home}`])
  })

  test('gets its environment byte for byte, whatever is in it', async () => {
    world = await World.running('web1')
    const { home } = world.host('web1')
    const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((each) => each.replaceAll('\0', ''))
    const nasty = `$(exit 9)\n'"\\ ;*\n`
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 30, maxLength: 30 }), async (values) => {
        const env = Object.fromEntries([...values, nasty].map((value, index) => [`V${index}`, value]))
        const command = 'i=0; while [ $i -le 30 ]; do eval "printf %s \\"\\$V$i\\"" >v$i; i=$((i+1)); done'
        const { steps } = stepsOf({ beforeBatch: [hook(command, { on: 'hosts', dir: 'home', env })] })
        await steps.before('batch', about(['web1']))
        const got = [...values, nasty].map((_, index) => readFileSync(join(home, `v${index}`), 'utf8'))
        expect(got).toEqual([...values, nasty])
      }),
      { numRuns: 8 },
    )
  })

  test.each([
    ['that fails', 'exit 3', 20_000, 'failed with exit code 3 on web2'],
    ['that takes too long', 'sleep 60', 1_000, 'did not end within 1s, and was killed on web2'],
  ])('%s fails the step, and the host is named', async (_what, slow, timeout, because) => {
    world = await World.running('web1', 'web2')
    const command = `[ "$DELIVER_HOST" != web2 ] || ${slow}`
    const { steps } = stepsOf({ beforeBatch: [hook(command, { on: 'hosts', dir: 'home', timeout })] })
    await expect(steps.before('batch', about(['web1', 'web2']))).rejects.toThrow(
      `hook beforeBatch: it ${because}`,
    )
  })

  test('whose connection is lost is not run again, and nobody claims to know its end', async () => {
    world = await World.running('web1')
    world.host('web1').fail({ verb: 'run', kind: 'after' })
    const { steps } = stepsOf({ beforeBatch: [hook('echo x >>ran', { on: 'hosts', dir: 'home' })] })
    await expect(steps.before('batch', about(['web1']))).rejects.toThrow('may or may not be done')
    expect(world.host('web1').countOf('run')).toBe(1)
  })

  test('in a release that is not there can not be run', async () => {
    world = await World.running('web1')
    const { steps } = stepsOf({ beforeBatch: [hook('true', { on: 'hosts' })] })
    await expect(steps.before('batch', about(['web1']))).rejects.toThrow('releases/v2 is not on this host')
  })
})

describe('an interrupt', () => {
  test('ends what runs before a batch, and not what runs because of it', async () => {
    world = new World('web1')
    const stop = new AbortController()
    const { steps, lines } = stepsOf(
      { beforeBatch: [hook('sleep 60')], beforeRollback: [hook('echo back')] },
      { stop: stop.signal },
    )
    const running = steps.before('batch', about(['web1']))
    stop.abort()
    await expect(running).rejects.toThrow('was interrupted')
    await steps.before('rollback', about(['web1']))
    expect(lines()).toEqual(['here: back'])
  })
})

describe('migrate', () => {
  test('comes after the hooks before the rollout of a deploy', async () => {
    world = new World('web1')
    const { steps, migrations } = stepsOf({ beforeRollout: [hook('exit 1')] })
    await expect(steps.before('rollout', about(['web1']))).rejects.toThrow()
    expect(migrations).toEqual([])
  })

  test('runs at no other point, and never in a rollback', async () => {
    world = new World('web1')
    const { steps, migrations } = stepsOf({})
    for (const [point] of points.filter(([each]) => each !== 'rollout'))
      await steps.before(point, about(['web1']))
    await steps.before('rollout', about(['web1'], { kind: 'rollback' }))
    expect(migrations).toEqual([])
    await steps.before('rollout', about(['web1']))
    expect(migrations).toHaveLength(1)
  })
})
