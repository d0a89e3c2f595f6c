import { describe, expect, test } from 'vitest'
import { boundOf, type Waits } from '../../src/plan/bound.js'
import type { HostStep, RolloutPlan } from '../../src/plan/types.js'

const waits: Waits = {
  restart: 60,
  settle: 40,
  stageIdle: 5,
  around: { once: 0, batch: 0 },
  concurrency: 2,
  worst: { stage: 1_000_000, switch: 10_000, return: 20_000 },
}

const step = (host: string, change: Partial<HostStep> = {}): HostStep => ({
  host,
  from: 'v1',
  to: 'v2',
  stage: 'present',
  act: 'activate',
  because: 'runs v1',
  ...change,
})

type Planned = Pick<RolloutPlan, 'steps' | 'batches' | 'pause' | 'onFailure'>
const plan = (change: Partial<Planned>): Planned => ({
  steps: [step('a'), step('b'), step('c')],
  batches: [['a'], ['b'], ['c']],
  pause: 7,
  onFailure: 'rollback',
  ...change,
})

describe('the time that a rollout may take', () => {
  test.each<[string, Partial<Planned>, object]>([
    [
      'batches, and the pauses between them',
      {},
      {
        batches: 3,
        batch: 100,
        switching: 3 * 100 + 2 * 7,
        stageIdle: null,
        worst: 3 * 10_000 + 14 + 3 * 20_000,
      },
    ],
    ['one batch has no pause', { batches: [['a', 'b', 'c']] }, { switching: 100, worst: 30_000 }],
    ['hosts that are left as they are come not back', { onFailure: 'stop' }, { worst: 30_014 }],
    ['a rollback has no way back', { onFailure: 'go-on' }, { worst: 30_014 }],
    [
      'staging is as many turns as fit through at once',
      { steps: [step('a', { stage: 'send' }), step('b', { stage: 'send' }), step('c', { stage: 'send' })] },
      { stageIdle: 5, staging: 2 * 1_000_000, worst: 90_014 },
    ],
    [
      'a look at hosts that run it already, all at once',
      { steps: [step('a', { act: 'verify' }), step('b', { act: 'verify' })], batches: [] },
      { batches: 0, switching: 40, worst: 40 },
    ],
    ['nothing to do', { steps: [], batches: [] }, { batches: 0, switching: 0, worst: 0 }],
  ])('%s', (_, change, expected) => {
    expect(boundOf(plan(change), waits)).toMatchObject(expected)
  })

  test('hooks and the load balancer take theirs, once and with each batch', () => {
    expect(boundOf(plan({}), { ...waits, around: { once: 5, batch: 30 } })).toMatchObject({
      batch: 130,
      switching: 3 * 130 + 14 + 5,
      worst: 3 * 10_030 + 14 + 5 + 3 * 20_030,
    })
  })
})
