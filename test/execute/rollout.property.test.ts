import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RolloutConfig } from '../../src/config/types.js'
import { probeHost } from '../../src/execute/facts.js'
import { FleetWatch, type Member } from '../../src/execute/fleet-watch.js'
import { fixedTurns } from '../../src/execute/parallel.js'
import { executeRollout, type RolloutEnd } from '../../src/execute/rollout.js'
import type { Run } from '../../src/execute/run.js'
import { noSteps } from '../../src/execute/steps.js'
import { unavailableLimit } from '../../src/plan/batches.js'
import { planDeploy, stepTo } from '../../src/plan/deploy.js'
import type { Clock } from '../../src/ports.js'
import { createMemoryChangeLog, FakeDrain } from '../fakes/drain.js'
import { PaperHost, type Faults } from '../fakes/paper-hosts.js'
import { configWith } from './world.js'
import { cases } from '../cases.js'

/** Time passes as soon as somebody waits for it. */
function createEagerClock(): Clock {
  let now = 0
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      now += ms
      await Promise.resolve()
      signal?.throwIfAborted()
    },
  }
}

const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(usual, ...others) },
  )

const faults: fc.Arbitrary<Faults> = fc.record({
  activate: mostly<Faults['activate']>('works', 'refuses', 'lost', 'late'),
  hearsAfter: fc.nat(40),
  lateCalls: fc.constantFrom(1 as const, 2 as const),
  healthy: mostly(true, false),
  confirm: mostly<Faults['confirm']>('works', 'refuses', 'lost'),
  revert: mostly<Faults['revert']>('works', 'refuses'),
  healthyBefore: mostly(true, false),
  diesAfter: fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.nat(25) },
  ),
})

const script = fc.record({
  hosts: fc.array(fc.record({ faults, runs: mostly<'v1' | 'v2' | null>('v1', 'v2', null) }), {
    minLength: 1,
    maxLength: 10,
  }),
  rollout: fc.record({
    batch: fc.array(fc.record({ count: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 2 }),
    maxFailures: fc.record({ count: fc.constantFrom(0, 0, 1, 2) }),
    onFailure: fc.constantFrom('rollback' as const, 'rollback-host' as const, 'stop' as const),
    pause: fc.constantFrom(0, 1000),
  }),
  drains: fc.boolean(),
  stuckOut: fc.constantFrom(undefined, undefined, undefined, 0, 1),
  /** After so many calls of all hosts together. */
  stop: fc.option(fc.nat(80), { nil: undefined, freq: 2 }),
  lost: fc.option(fc.nat(80), { nil: undefined, freq: 1 }),
})

/** Both calls of a switch are heard late: the first when it is withdrawn, the second while the next host is switched. */
const heardWhenWithdrawn: Script = {
  hosts: [
    {
      runs: 'v1',
      faults: {
        activate: 'late',
        hearsAfter: 6,
        lateCalls: 2,
        healthy: true,
        confirm: 'works',
        revert: 'works',
        healthyBefore: true,
        diesAfter: undefined,
      },
    },
    {
      runs: 'v1',
      faults: {
        activate: 'works',
        hearsAfter: 0,
        lateCalls: 1,
        healthy: true,
        confirm: 'works',
        revert: 'works',
        healthyBefore: true,
        diesAfter: undefined,
      },
    },
  ],
  rollout: { batch: [{ count: 1 }], maxFailures: { count: 1 }, onFailure: 'stop', pause: 0 },
  drains: false,
  stuckOut: undefined,
  stop: undefined,
  lost: undefined,
}

type Script = typeof script extends fc.Arbitrary<infer T> ? T : never

interface Played {
  readonly end: RolloutEnd
  readonly hosts: readonly PaperHost[]
  readonly drain: FakeDrain
  readonly wentOut: readonly string[]
  readonly lost: boolean
}

async function play(script: Script): Promise<Played> {
  const stop = new AbortController()
  const lost = new AbortController()
  const config = configWith({ service: systemd }, script.rollout satisfies Partial<RolloutConfig>)
  const { health, ...unchecked } = config
  expect(health).toBeDefined()
  const { target } = config
  if (target === undefined) throw new Error('no target')
  const run: Run = {
    id: 'run-1',
    fence: 7,
    config: unchecked,
    target,
    clock: createEagerClock(),
    reporter: { event: () => undefined, close: () => Promise.resolve() },
    stop: stop.signal,
    lost: lost.signal,
    steps: noSteps,
    turns: fixedTurns(10),
  }
  const drain = new FakeDrain()
  const hosts = script.hosts.map(({ runs, faults }, i) => new PaperHost(`h${i}`, runs, faults))
  if (script.stuckOut !== undefined) drain.stuckOut.add(`h${script.stuckOut}`)
  const links = hosts.map((host) => ({ host, link: host.link() }))
  const probed = await Promise.all(links.map(({ link }) => probeHost(run, link)))
  const ready = probed.filter((each) => each.kind === 'ready')
  const unfit = probed.filter((each) => each.kind === 'unfit')
  const goal = { release: 'v2', digest: 'a'.repeat(64) }
  const plan = planDeploy(
    goal,
    ready.map(({ view }) => view),
    config.rollout,
  )
  const byName = new Map(ready.map((each) => [each.host.name, each]))
  const members = plan.steps.flatMap((step): Member[] => {
    const found = byName.get(step.host)
    return found === undefined ? [] : [{ probed: found, step: stepTo(goal, found.view) }]
  })

  const wentOut: string[] = []
  const limit = unavailableLimit(plan, hosts.length)
  const switching = new Set<string>()
  let calls = 0
  for (const { host, link } of links) {
    const call = link.link.call.bind(link.link)
    link.link.call = async (what, options) => {
      calls++
      if (calls === script.stop) stop.abort(new Error('interrupted'))
      if (calls === script.lost) lost.abort(new Error('lost'))
      const answer = await call(what, options)
      const { name } = host.host
      if (what.verb === 'confirm' || what.verb === 'revert') switching.delete(name)
      if (what.verb === 'withdraw' && host.onTrial === undefined) switching.delete(name)
      if (what.verb !== 'activate' || (answer.kind === 'answer' && answer.code !== 0)) return answer
      switching.add(name)
      if (script.drains && !drain.out.has(name)) wentOut.push(`${name} switched in traffic`)
      // Those that don't serve have failed, which the machine's own test is about.
      const taken = hosts.filter((each) => switching.has(each.host.name) && each.serves).length
      if (taken > limit) wentOut.push(`${taken} at once, of at most ${limit}`)
      return answer
    }
  }
  const end = await executeRollout(run, {
    plan,
    members,
    unreachable: unfit.map(({ host, because }) => ({ host: host.name, because })),
    watch: new FleetWatch({
      known: hosts.map(({ host }) => host),
      ask: async () => hosts.map(({ host }) => host),
      join: () => Promise.reject(new Error('nobody joins')),
    }),
    material: () => Promise.reject(new Error('everything is staged')),
    digest: () => goal.digest,
    ...(script.drains ? { drainage: { drain, changes: createMemoryChangeLog() } } : {}),
  })
  // What the rollout said of a host stays true when it hears the rest. A run that lost its lock leaves that to the fence of the next.
  if (!lost.signal.aborted) for (const host of hosts) host.hearLate()
  return { end, hosts, drain, wentOut, lost: lost.signal.aborted }
}

const systemd = {
  manager: { kind: 'systemd', unit: 'api.service', user: false },
  timeout: 20_000,
} as const

test('whatever happens on hosts: one outcome for each, and it says what runs there', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (given) => {
      const { end, hosts } = await play(given)
      expect(end.outcomes.map(({ host }) => host).sort()).toEqual(hosts.map(({ host }) => host.name).sort())
      for (const outcome of end.outcomes) {
        const host = hosts.find(({ host }) => host.name === outcome.host)
        if (!('runs' in outcome) || outcome.runs === undefined) continue
        // A host that died may have been somewhere else when it was last heard of.
        if (host?.dead === true && outcome.kind !== 'done') continue
        expect(host?.runs, JSON.stringify(outcome)).toBe(outcome.runs)
        if (outcome.kind === 'done') expect(host?.onTrial).toBeUndefined()
      }
    }),
    { numRuns: cases(400) },
  )
})

test('no more hosts at once than a batch has, and each out of traffic while it is switched', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (given) => {
      expect((await play(given)).wentOut).toEqual([])
    }),
    { numRuns: cases(400), examples: [[heardWhenWithdrawn]] },
  )
})

test('what was taken out of traffic comes back, or is told as failed', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (given) => {
      const { end, drain, lost } = await play(given)
      if (lost) return
      for (const name of drain.out) {
        const outcome = end.outcomes.find(({ host }) => host === name)
        expect(outcome?.kind, name).toMatch(/^(failed|rollback-failed)$/)
      }
    }),
    { numRuns: cases(300) },
  )
})

test('accepted means that hosts run it, and that no more failed than may', async () => {
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(script, async (given) => {
      const { end } = await play(given)
      if (!end.accepted) return
      accepted++
      const kinds = end.outcomes.map(({ kind }) => kind)
      expect(kinds).toContain('done')
      expect(kinds).not.toContain('rollback-failed')
      expect(kinds).not.toContain('skipped')
    }),
    { numRuns: cases(300) },
  )
  expect(accepted).toBeGreaterThan(20)
})
