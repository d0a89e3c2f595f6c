import { describe, expect, test } from 'vitest'
import { plannedHost, whatChanged, type PlannedHost, type SavedPlan } from '../../src/plan/saved-plan.js'

const host = (name: string, change: Partial<PlannedHost> = {}): PlannedHost => ({
  name,
  address: `${name}.test`,
  current: 'v1',
  unconfirmed: false,
  ...change,
})

const withoutPointer: SavedPlan = {
  version: 1,
  madeAt: '2030-01-01T00:00:00.000Z',
  app: 'api',
  environment: 'production',
  release: 'v2',
  digest: 'd'.repeat(64),
  options: { onlyOutdated: false, flags: [] },
  hosts: [host('web1'), host('web2')],
  batches: [{ hosts: ['web1'] }, { hosts: ['web2'] }],
  config: [
    { path: 'health.check.url', value: 'sha256:aa' },
    { path: 'rollout.pause', value: '0' },
  ],
  salt: '0'.repeat(32),
}
const plan: SavedPlan = { ...withoutPointer, pointer: { release: 'v1', generation: 4 } }

describe('what changed since a plan was made', () => {
  test('nothing, whenever it was made and however it was asked for', () => {
    const again: SavedPlan = { ...plan, madeAt: 'later', options: { onlyOutdated: true, flags: [] } }
    expect(whatChanged(plan, again)).toEqual([])
  })

  test.each<[string, Partial<SavedPlan>]>([
    ['the plan is for api production, and is api staging', { environment: 'staging' }],
    ['the release was v2, and is v3', { release: 'v3' }],
    ["v2 has other content than the plan's", { digest: 'e'.repeat(64) }],
    [
      'the pointer was v1 (generation 4), and is v1 (generation 6)',
      { pointer: { release: 'v1', generation: 6 } },
    ],
    ['web2 is gone', { hosts: [host('web1')] }],
    ['web3 is new', { hosts: [host('web1'), host('web2'), host('web3')] }],
    ['web1 ran v1, and is v0', { hosts: [host('web1', { current: 'v0' }), host('web2')] }],
    [
      'web1 has a switch that is not confirmed',
      { hosts: [host('web1', { unconfirmed: true }), host('web2')] },
    ],
    ['web2 has the release now', { hosts: [host('web1'), host('web2', { staged: 'd' })] }],
    [
      'web2 is another server: it was web2.test, and is 10.0.0.7',
      { hosts: [host('web1'), host('web2', { address: '10.0.0.7' })] },
    ],
    [
      'web2 is another server: it was web2.test, and is i-2 at web2.test',
      { hosts: [host('web1'), host('web2', { instance: 'i-2' })] },
    ],
    [
      'web2 is another server: it was web2.test, and is web2.test:2222',
      { hosts: [host('web1'), host('web2', { port: 2222 })] },
    ],
    [
      'rollout.pause was 0, and is 5000',
      { config: [plan.config[0] ?? { path: '', value: '' }, { path: 'rollout.pause', value: '5000' }] },
    ],
    [
      'health.check.url has another value',
      {
        config: [
          { path: 'health.check.url', value: 'sha256:bb' },
          { path: 'rollout.pause', value: '0' },
        ],
      },
    ],
    ['health.check.url is no longer in the config', { config: [plan.config[1] ?? { path: '', value: '' }] }],
    ['target.keep is in the config now', { config: [...plan.config, { path: 'target.keep', value: '3' }] }],
    ['the batches were web1, web2, and are web1 web2', { batches: [{ hosts: ['web1', 'web2'] }] }],
  ])('%s', (sentence, change) => {
    expect(whatChanged(plan, { ...plan, ...change })).toEqual([sentence])
  })

  test('a host that ran nothing, and an environment without a pointer', () => {
    const bare: PlannedHost = { name: 'web1', address: 'web1.test', unconfirmed: false }
    const before: SavedPlan = { ...withoutPointer, hosts: [bare] }
    expect(whatChanged(before, { ...before, pointer: { release: 'v9', generation: 1 } })).toEqual([
      'the pointer was nothing, and is v9 (generation 1)',
    ])
    expect(whatChanged(before, { ...before, hosts: [host('web1')] })).toEqual(['web1 ran nothing, and is v1'])
  })

  test('several at once are all told', () => {
    expect(
      whatChanged(plan, { ...plan, digest: 'e'.repeat(64), hosts: [host('web9')], batches: [] }),
    ).toEqual(["v2 has other content than the plan's", 'web1 is gone', 'web2 is gone', 'web9 is new'])
  })
})

test('a host is saved as it was found', () => {
  const found = plannedHost(
    { name: 'web1', address: '10.0.0.1', port: 22, labels: {}, instance: 'i-1' },
    {
      host: 'web1',
      current: null,
      unconfirmed: true,
      staged: new Map([['v2', 'd']]),
      good: [],
      bad: [],
      via: undefined,
    },
    'v2',
  )
  expect(found).toEqual({
    name: 'web1',
    address: '10.0.0.1',
    port: 22,
    instance: 'i-1',
    unconfirmed: true,
    staged: 'd',
  })
})
