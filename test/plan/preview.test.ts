import { describe, expect, test } from 'vitest'
import { previewOf, releaseLeft, type PreviewFacts } from '../../src/plan/preview.js'
import type { HostStep, RolloutPlan } from '../../src/plan/types.js'

const step = (host: string, change: Partial<HostStep> = {}): HostStep => ({
  host,
  from: 'v1',
  to: 'v2',
  stage: 'send',
  act: 'activate',
  because: 'runs v1',
  ...change,
})

const plan = (steps: readonly HostStep[]): RolloutPlan => ({
  version: 1,
  kind: 'deploy',
  release: 'v2',
  steps,
  skipped: [],
  batchLimit: 1,
  batches: steps.filter(({ act }) => act === 'activate').map(({ host }) => [host]),
  pause: 0,
  onFailure: 'rollback',
  sizes: [{ count: 1 }],
  maxFailures: { count: 0 },
})

const facts: PreviewFacts = {
  app: 'api',
  environment: 'production',
  pointer: { release: 'v1', generation: 4 },
  partial: false,
  lock: null,
  services: new Map([['web1', { health: 'healthy' }]]),
  sends: new Map([
    ['web1', { bytes: 100, exact: true, as: 'archive as zstd' }],
    ['web2', { bytes: 50, exact: false, as: 'archive as gzip' }],
    ['web3', { bytes: 7, exact: true, as: 'archive as zstd' }],
  ]),
  changes: { kind: 'unknown', because: 'no clone' },
  runs: [],
  bound: { batches: 2, batch: 1, switching: 2, stageIdle: null, staging: 0, worst: 3 },
}

describe('what a rollout would do', () => {
  test('host by host, with what goes over the line', () => {
    const preview = previewOf(
      plan([step('web1'), step('web2'), step('web3', { stage: 'present', act: 'verify', from: 'v2' })]),
      facts,
    )
    expect(preview.hosts.map(({ host, batch, now, send }) => [host, batch, now.health, send?.bytes])).toEqual(
      [
        ['web1', 1, 'healthy', 100],
        ['web2', 2, 'unchecked', 50],
        ['web3', null, 'unchecked', undefined],
      ],
    )
    expect(preview.send).toEqual({ hosts: 2, bytes: 150, exact: false })
  })

  test.each<[string, Partial<PreviewFacts>, object]>([
    ['the pointer moves', {}, { now: { release: 'v1', generation: 4 }, then: 'v2' }],
    ['and not for part of the fleet', { partial: true }, { now: { release: 'v1' }, then: 'v1' }],
    ['a first deploy', { pointer: null }, { now: null, then: 'v2' }],
    ['a first deploy of part', { pointer: null, partial: true }, { now: null, then: null }],
  ])('%s', (_, change, expected) => {
    expect(previewOf(plan([step('web1')]), { ...facts, ...change }).pointer).toMatchObject(expected)
  })

  test.each<[string, readonly HostStep[], string | null]>([
    ['what most hosts leave', [step('a', { from: 'v0' }), step('b'), step('c')], 'v1'],
    ['nothing that hosts stay on', [step('a', { from: 'v2' }), step('b', { from: 'v2' })], null],
    ['nothing of a first deploy', [step('a', { from: null })], null],
    ['nothing of no hosts', [], null],
  ])('the release left is %s', (_, steps, expected) => {
    expect(releaseLeft({ steps })).toBe(expected)
  })
})
