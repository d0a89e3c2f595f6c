import { describe, expect, it } from 'vitest'
import { planDeploy, stepTo } from '../../src/plan/deploy.js'
import type { HostView } from '../../src/plan/types.js'

const target = { release: 'v2', digest: 'd2' }
const rollout = {
  strategy: 'rolling',
  batch: [{ count: 1 }],
  maxFailures: { count: 0 },
  pause: 0,
  onFailure: 'rollback',
} as const

function view(host: string, change: Partial<HostView> = {}): HostView {
  return {
    host,
    current: 'v1',
    unconfirmed: false,
    staged: new Map([['v1', 'd1']]),
    good: ['v1'],
    bad: [],
    via: 'deploy',
    ...change,
  }
}

const on2 = { current: 'v2', staged: new Map([['v2', 'd2']]), good: ['v2'] }

describe('stepTo', () => {
  it.each([
    ['another release runs', view('a'), { stage: 'send', act: 'activate', because: 'runs v1' }],
    [
      'it was rolled back from before',
      view('a', { bad: ['v2'] }),
      { stage: 'send', act: 'activate', because: 'runs v1; it left v2 as bad before' },
    ],
    [
      'nothing runs yet',
      view('a', { current: null, staged: new Map() }),
      { stage: 'send', act: 'activate', because: 'runs nothing yet' },
    ],
    [
      'it is staged already',
      view('a', { staged: new Map([['v2', 'd2']]) }),
      { stage: 'present', act: 'activate', because: 'runs v1' },
    ],
    [
      'another build is staged under its name',
      view('a', { staged: new Map([['v2', 'other']]) }),
      { stage: 'send', act: 'activate', because: 'runs v1' },
    ],
    ['it runs', view('a', on2), { stage: 'present', act: 'verify', because: 'already on v2' }],
    [
      'it runs, unconfirmed',
      view('a', { ...on2, unconfirmed: true }),
      { stage: 'present', act: 'activate', because: 'an earlier switch was never confirmed' },
    ],
    [
      'another build of it runs',
      view('a', { current: 'v2', staged: new Map([['v2', 'x']]) }),
      { stage: 'send', act: 'activate', because: 'its copy is not the published one' },
    ],
  ])('%s', (_, state, expected) => {
    expect(stepTo(target, state)).toMatchObject(expected)
  })
})

describe('planDeploy', () => {
  it('takes hosts that may be out of service first, and those that need nothing in no batch', () => {
    const plan = planDeploy(
      target,
      [
        view('done', on2),
        view('old'),
        view('empty', { current: null }),
        view('trial', { unconfirmed: true }),
      ],
      rollout,
    )
    expect(plan.batches).toEqual([['trial'], ['empty'], ['old']])
    expect(plan.steps.map((step) => step.host)).toEqual(['trial', 'empty', 'old', 'done'])
  })

  it('counts percents of the whole fleet, also when some hosts are left alone', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((name, i) => view(name, i < 2 ? on2 : {}))
    const plan = planDeploy(target, hosts, { ...rollout, batch: [{ percent: 50 }] }, { onlyOutdated: true })
    expect(plan.batchLimit).toBe(2)
    expect(plan.skipped.map((skip) => skip.host)).toEqual(['a', 'b'])
    expect(plan.batches).toEqual([['c', 'd']])
  })
})
