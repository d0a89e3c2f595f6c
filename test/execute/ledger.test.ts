import { expect, test } from 'vitest'
import { Ledger } from '../../src/execute/ledger.js'
import { fixedTurns } from '../../src/execute/parallel.js'
import { apply } from '../../src/plan/machine/apply.js'
import { startRollout } from '../../src/plan/machine/state.js'
import type { RolloutPlan } from '../../src/plan/types.js'
import { createTurnableClock } from '../fakes/clock.js'
import { configWith } from './world.js'

const never = new AbortController().signal

function planFor(...hosts: readonly string[]): RolloutPlan {
  const step = { from: 'v1', to: 'v2', stage: 'present', act: 'activate', because: '' } as const
  return {
    ...{ version: 1, kind: 'deploy', release: 'v2', skipped: [], batchLimit: 1, pause: 0 },
    ...{ sizes: [{ count: 1 }], maxFailures: { count: 0 }, onFailure: 'rollback' },
    steps: hosts.map((host) => ({ host, ...step })),
    batches: hosts.map((host) => [host]),
  }
}

test('a host has taken as long as it was worked on, not as long as it waited for others', async () => {
  const clock = createTurnableClock()
  const ledger = new Ledger({
    ...{ id: 'r', fence: 1, config: configWith(), clock, stop: never, lost: never },
    target: { path: 'app', keep: 3, shared: [], verify: 'changed', prepare: true },
    reporter: { event() {}, close: () => Promise.resolve() },
    turns: fixedTurns(1),
    steps: {
      before: () => Promise.resolve(),
      after: () => Promise.resolve(),
      failure: () => Promise.resolve(),
    },
  })
  const work = async (host: string, ms: number): Promise<void> => {
    const done = ledger.time(host, () => clock.sleep(ms))
    await clock.turn(ms)
    await done
  }
  await work('web1', 1_000)
  await work('web2', 2_000)
  await work('web1', 3_000)
  await work('web2', 4_000)
  const failing = ledger.time('web2', () => clock.sleep(500).then(() => Promise.reject(new Error('no'))))
  failing.catch(() => undefined)
  await clock.turn(500)
  await expect(failing).rejects.toThrow('no')
  const state = apply(startRollout(planFor('web1', 'web2', 'web3')), { kind: 'stop', why: 'interrupted' })
  const took = ledger.outcomes(state).map(({ host, ms }) => [host, ms])
  expect(took).toEqual([
    ['web1', 4_000],
    ['web2', 6_500],
    ['web3', 0],
  ])
})
