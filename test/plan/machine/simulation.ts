import fc from 'fast-check'
import { unavailableLimit } from '../../../src/plan/batches.js'
import { apply } from '../../../src/plan/machine/apply.js'
import { endingOf, isAccepted, type Ending } from '../../../src/plan/machine/ends.js'
import { next } from '../../../src/plan/machine/next.js'
import { startRollout, type Action, type Event, type RolloutState } from '../../../src/plan/machine/state.js'
import { planDeploy, stepTo, type RolloutChoice } from '../../../src/plan/deploy.js'
import type { HostView, RolloutPlan } from '../../../src/plan/types.js'

/** What will happen to one host, whatever the machine decides. */
export interface Fate {
  readonly zone: string | undefined
  /** What it runs before: nothing, v1, v1 on trial, v2 and well, v2 and ill. */
  readonly start: 'nothing' | 'old' | 'trial' | 'new' | 'ill'
  readonly stages: boolean
  readonly switches: 'well' | 'before' | 'after'
  readonly bakes: boolean
  readonly returns: boolean
  readonly bringsBack: boolean
  /** The batch, counted from 0, after which it leaves the fleet. */
  readonly leaves: number | undefined
  /** The batch after which it joins; undefined: it is there from the start. */
  readonly joins: number | undefined
}

export interface Script {
  readonly fates: readonly Fate[]
  readonly rollout: RolloutChoice
  readonly kind: 'deploy' | 'rollback'
  readonly unreachable: number
  /** The action, counted from 0, before which somebody stops it. */
  readonly stop: number | undefined
  readonly lost: number | undefined
  /** Asks of the fleet that get no answer. */
  readonly unanswered: readonly number[]
  readonly objects: 'begin' | 'finish' | undefined
}

const rarely = (one: number): fc.Arbitrary<boolean> => fc.integer({ min: 0, max: one }).map((n) => n !== 0)
const sometimes = (most: number): fc.Arbitrary<number | undefined> =>
  fc.option(fc.nat(most), { nil: undefined, freq: 1 })

const fate: fc.Arbitrary<Fate> = fc.record({
  zone: fc.constantFrom('a', 'b', 'c', undefined),
  start: fc.oneof(
    { weight: 6, arbitrary: fc.constant('old' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('nothing' as const, 'trial' as const, 'new' as const, 'ill' as const),
    },
  ),
  stages: rarely(25),
  switches: fc.oneof(
    { weight: 12, arbitrary: fc.constant('well' as const) },
    { weight: 1, arbitrary: fc.constantFrom('before' as const, 'after' as const) },
  ),
  bakes: rarely(10),
  returns: rarely(6),
  bringsBack: rarely(12),
  leaves: fc.oneof({ weight: 10, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(6) }),
  joins: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(6) }),
})

const size = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
)

export const scripts: fc.Arbitrary<Script> = fc.record({
  fates: fc.array(fate, { minLength: 1, maxLength: 24 }),
  rollout: fc
    .record({
      strategy: fc.constantFrom(
        'rolling' as const,
        'rolling' as const,
        'rolling' as const,
        'parallel' as const,
      ),
      batch: fc.array(size, { minLength: 1, maxLength: 3 }),
      maxUnavailable: fc.option(size, { nil: undefined }),
      canary: fc.option(
        fc.record({ hosts: fc.integer({ min: 1, max: 3 }), bake: fc.constantFrom(0, 1000) }),
        {
          nil: undefined,
        },
      ),
      maxFailures: fc.oneof(fc.constant({ count: 0 }), size),
      pause: fc.constantFrom(0, 1000),
      onFailure: fc.constantFrom('rollback' as const, 'rollback-host' as const, 'stop' as const),
    })
    .map(({ maxUnavailable, canary, ...rest }) => ({
      ...rest,
      ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
      ...(canary === undefined ? {} : { canary }),
    })),
  kind: fc.constantFrom('deploy' as const, 'deploy' as const, 'deploy' as const, 'rollback' as const),
  unreachable: fc.constantFrom(0, 0, 0, 1, 2),
  stop: sometimes(12),
  lost: sometimes(12),
  unanswered: fc.array(fc.nat(4), { maxLength: 2 }),
  objects: fc.constantFrom(undefined, undefined, undefined, undefined, 'begin' as const, 'finish' as const),
})

const target = { release: 'v2', digest: 'd2' }

function viewOf(host: string, { start, zone }: Fate): HostView {
  const current = start === 'nothing' ? null : start === 'new' || start === 'ill' ? 'v2' : 'v1'
  return {
    host,
    current,
    unconfirmed: start === 'trial',
    staged: new Map(current === null ? [] : [[current, current === 'v2' ? 'd2' : 'd1']]),
    good: [],
    bad: [],
    via: 'deploy',
    ...(zone === undefined ? {} : { zone }),
  }
}

/** What is really so in the simulated world, kept apart from what the machine believes. */
interface Real {
  runs: string | null
  serves: boolean
  staged: boolean
  present: boolean
  /** It failed and won't be touched again, or was never to be reached. */
  lost: boolean
  batchOfSwitch: number | undefined
}

export interface Ended {
  readonly plan: RolloutPlan
  readonly state: RolloutState
  readonly actions: readonly Action[]
  readonly endings: ReadonlyMap<string, Ending | undefined>
  readonly real: ReadonlyMap<string, Readonly<Real>>
  readonly accepted: boolean
  /** What broke a promise, as sentences. */
  readonly broken: readonly string[]
}

const mostActions = 500

/** Plays a script against the machine, and checks each action against the world before it is performed. */
export function play(script: Script): Ended {
  const names = script.fates.map((_, i) => `h${i}`)
  const fateOf = new Map(script.fates.map((each, i) => [`h${i}`, each]))
  const there = names.filter((name) => fateOf.get(name)?.joins === undefined)
  const views = there.map((name) => viewOf(name, get(fateOf, name)))
  const made = planDeploy(target, views, script.rollout)
  const plan: RolloutPlan =
    script.kind === 'deploy' ? made : { ...made, kind: 'rollback', onFailure: 'go-on' }
  const away = Array.from({ length: script.unreachable }, (_, i) => ({
    host: `x${i}`,
    because: 'out of reach',
  }))
  const real = new Map<string, Real>()
  const enter = (name: string): void => {
    const { start } = get(fateOf, name)
    const runs = start === 'nothing' ? null : start === 'new' || start === 'ill' ? 'v2' : 'v1'
    const staged = start === 'new' || start === 'ill'
    // Nobody knows that a host is ill before it is looked at.
    const serves = start === 'old' || start === 'new' || start === 'ill'
    real.set(name, { runs, serves, staged, present: true, lost: false, batchOfSwitch: undefined })
  }
  for (const name of there) enter(name)
  for (const { host } of away)
    real.set(host, {
      runs: 'v1',
      serves: false,
      staged: false,
      present: true,
      lost: true,
      batchOfSwitch: undefined,
    })

  let state = startRollout(plan, away)
  const actions: Action[] = []
  const broken: string[] = []
  let batches = 0
  let asks = 0
  const feed = (event: Event): void => {
    state = apply(state, event)
  }
  const leaveDue = (): string[] =>
    [...real].flatMap(([name, host]) => {
      const leaves = fateOf.get(name)?.leaves
      return host.present && leaves !== undefined && leaves < batches ? [name] : []
    })

  for (;;) {
    if (script.lost === actions.length) feed({ kind: 'stop', why: 'lost' })
    else if (script.stop !== undefined && actions.length >= script.stop)
      feed({ kind: 'stop', why: 'interrupted' })
    const action = next(state)
    if (action.kind === 'end') break
    actions.push(action)
    if (actions.length > mostActions) {
      broken.push('it never ends')
      break
    }
    perform(action)
  }

  function perform(action: Action): void {
    switch (action.kind) {
      case 'stage':
        for (const host of action.hosts) {
          const well = get(fateOf, host).stages
          get(real, host).staged ||= well
          get(real, host).lost ||= !well && !get(real, host).serves
          feed(well ? { kind: 'staged', host } : { kind: 'not-staged', host, because: 'no room' })
        }
        return
      case 'verify':
        for (const host of action.hosts) {
          const healthy = get(fateOf, host).start === 'new'
          get(real, host).serves = healthy
          feed({ kind: 'verified', host, healthy })
        }
        return
      case 'recheck': {
        const gone = leaveDue().filter((name) => action.hosts.includes(name))
        for (const name of gone) get(real, name).present = false
        return feed({ kind: 'left', hosts: gone })
      }
      case 'ask':
        return ask()
      case 'begin':
      case 'finish':
        return feed(
          script.objects === action.kind
            ? { kind: 'objected', because: 'a hook said no' }
            : { kind: action.kind === 'begin' ? 'began' : 'finished' },
        )
      case 'switch':
        return switchBatch(action.hosts)
      case 'bake':
        for (const host of action.hosts) {
          if (get(fateOf, host).bakes) continue
          Object.assign(get(real, host), { serves: false, lost: true })
          feed({ kind: 'failed', host, because: 'crashed', switched: true, runs: 'v2' })
        }
        return feed({ kind: 'baked' })
      case 'pause':
        return feed({ kind: 'paused' })
      case 'give-up':
        return feed({ kind: 'gave-up', because: action.because })
      case 'return':
        return takeBack(action.hosts)
      case 'end':
        return
    }
  }

  function ask(): void {
    if (script.unanswered.includes(asks++)) return feed({ kind: 'unanswered', because: 'throttled' })
    const gone = leaveDue()
    for (const name of gone) get(real, name).present = false
    const joining = names.filter((name) => {
      const { joins } = get(fateOf, name)
      return joins !== undefined && joins <= batches && !real.has(name)
    })
    for (const name of joining) enter(name)
    const joined = joining.map((name) => stepTo(target, viewOf(name, get(fateOf, name))))
    feed({ kind: 'fleet', gone, joined, unfit: [] })
  }

  /** Nobody is taken out of service beyond what the policy allows. */
  function mayTakeOut(hosts: readonly string[], returning: boolean): void {
    const present = [...real.values()].filter((host) => host.present)
    const limit = unavailableLimit(plan, present.length)
    const taken = hosts.filter((name) => get(real, name).serves).length
    const strict = plan.maxUnavailable !== undefined && plan.onFailure !== 'go-on' && !returning
    const waiting = state.returning.filter(({ host }) => !get(real, host).serves).length
    const out = waiting + present.filter((host) => !host.serves && (strict || !host.lost)).length
    // Going back never waits for what won't mend: one host at a time may always go.
    const allowed = Math.max(limit - out, returning && waiting === 0 ? 1 : 0)
    if (taken > allowed) broken.push(`${taken} taken out with ${out} out already, of at most ${limit}`)
  }

  function switchBatch(hosts: readonly string[]): void {
    if (script.lost !== undefined && actions.length > script.lost) broken.push('switched without the lock')
    if (hosts.length === 0) broken.push('an empty batch')
    if (state.aborted !== undefined || state.stopped !== undefined) broken.push('switched after the end')
    if (batches === 0)
      for (const [name, host] of real)
        if (host.present && !host.staged && !host.lost && endingOf(state, name) === undefined)
          broken.push(`${name} is not staged before the first switch`)
    mayTakeOut(hosts, false)
    for (const name of hosts) {
      const host = get(real, name)
      if (!host.staged) broken.push(`${name} is switched and not staged`)
      if (host.batchOfSwitch !== undefined) broken.push(`${name} is switched twice`)
      host.batchOfSwitch = batches
      const { switches, leaves } = get(fateOf, name)
      const falls = leaves === batches
      if (switches === 'well' && !falls) {
        Object.assign(host, { runs: 'v2', serves: true })
        feed({ kind: 'switched', host: name })
        continue
      }
      const switched = switches !== 'before'
      Object.assign(host, { serves: false, lost: true, ...(switched ? { runs: 'v2' } : {}) })
      feed({ kind: 'failed', host: name, because: 'ill', switched, runs: host.runs })
    }
    batches++
    feed({ kind: 'batch-done', hosts })
  }

  function takeBack(hosts: readonly string[]): void {
    if (hosts.length === 0) broken.push('nobody goes back')
    mayTakeOut(hosts, true)
    for (const name of hosts) {
      const host = get(real, name)
      const step = state.hosts.get(name)?.step
      const back = step?.from ?? null
      if (get(fateOf, name).returns) {
        Object.assign(host, { runs: back, serves: back !== null, lost: back === null })
        feed({ kind: 'returned', host: name, runs: back })
      } else {
        Object.assign(host, { serves: false, lost: true })
        feed({ kind: 'stuck', host: name, because: 'no way back', runs: host.runs })
      }
    }
    for (const name of hosts)
      if (!get(fateOf, name).bringsBack) {
        Object.assign(get(real, name), { serves: false, lost: true })
        feed({ kind: 'stranded', host: name, because: 'still out of traffic' })
      }
  }

  const endings = new Map([...state.hosts.keys()].map((host) => [host, endingOf(state, host)]))
  return { plan, state, actions, endings, real, accepted: isAccepted(state), broken }
}

function get<V>(map: ReadonlyMap<string, V>, key: string): V {
  const value = map.get(key)
  if (value === undefined) throw new Error(`there is no ${key}`)
  return value
}
