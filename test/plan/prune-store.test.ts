import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  planStorePrune,
  unfinishedFor,
  type EnvironmentUse,
  type StoredRelease,
  type StorePruneFacts,
} from '../../src/plan/prune-store.js'

const now = Date.UTC(2030, 0, 1)

/** v1 is the oldest. */
const published = (count: number): StoredRelease[] =>
  Array.from({ length: count }, (_, index) => ({
    release: `v${index + 1}`,
    publishedAt: now - (count - index) * 1000,
    touchedAt: now - (count - index) * 1000,
  }))

const production: EnvironmentUse = {
  environment: 'production',
  current: 'v9',
  previous: 'v8',
  lastKnown: new Map([['web1', 'v9']]),
}

const facts = (change: Partial<StorePruneFacts> = {}): StorePruneFacts => ({
  releases: published(9),
  environment: 'production',
  environments: [production],
  hosts: [{ host: 'web1', kind: 'told', needs: [{ release: 'v9', because: 'web1 runs it' }] }],
  keep: 2,
  now,
  ...change,
})

const removed = (change: Partial<StorePruneFacts> = {}): string[] =>
  planStorePrune(facts(change)).remove.map(({ release }) => release)

describe('pruning the store', () => {
  it('leaves the newest, and says why for each release', () => {
    const plan = planStorePrune(facts({ releases: published(4), keep: 1 }))
    expect(plan.remove.map(({ release }) => release)).toEqual(['v3', 'v2', 'v1'])
    expect(plan.keep).toEqual([{ release: 'v4', because: 'one of the 1 newest' }])
    expect(plan.remove[0]?.because).toBe('older than the 1 newest, and not in use')
  })

  it.each<[string, Partial<StorePruneFacts>, string]>([
    [
      'the pointer of another environment',
      { environments: [production, { ...production, environment: 'staging', current: 'v1' }] },
      'staging is on it',
    ],
    [
      'what it was on before',
      { environments: [production, { ...production, environment: 'staging', previous: 'v1' }] },
      'staging was on it before',
    ],
    [
      'a host that still runs it',
      { hosts: [{ host: 'web7', kind: 'told', needs: [{ release: 'v1', because: 'web7 runs it' }] }] },
      'web7 runs it',
    ],
    [
      'a host of another environment, by its history',
      {
        environments: [
          production,
          { ...production, environment: 'staging', lastKnown: new Map([['stage1', 'v1']]) },
        ],
      },
      'stage1 of staging ran it when last heard of',
    ],
    [
      'a host that cannot be asked',
      {
        environments: [{ ...production, lastKnown: new Map([['web1', 'v1']]) }],
        hosts: [{ host: 'web1', kind: 'silent', because: 'timed out' }],
      },
      "web1 can't be asked (timed out), and ran it when last heard of",
    ],
  ])('never removes a release because of %s', (_what, change, because) => {
    expect(removed(change)).not.toContain('v1')
    expect(planStorePrune(facts(change)).keep).toContainEqual({ release: 'v1', because })
    expect(removed(change)).toContain('v2')
  })

  it('believes a host rather than the history', () => {
    const environments = [{ ...production, lastKnown: new Map([['web1', 'v1']]) }]
    expect(removed({ environments })).toContain('v1')
  })

  it('removes nothing when nobody knows what a host runs', () => {
    const hosts = [{ host: 'web2', kind: 'silent', because: 'refused' } as const]
    const plan = planStorePrune(facts({ hosts }))
    expect(plan.remove).toEqual([])
    expect(plan.keep.at(-1)?.because).toBe(
      "nobody knows what web2 runs: it can't be asked (refused), and no history tells",
    )
  })

  it('removes what was never published whole, when that is a day ago', () => {
    const half = (release: string, age: number): StoredRelease => ({
      release,
      publishedAt: undefined,
      touchedAt: now - age,
    })
    const plan = planStorePrune(
      facts({ releases: [half('old', unfinishedFor), half('young', unfinishedFor - 1)] }),
    )
    expect(plan.remove).toEqual([{ release: 'old', because: 'its publishing never ended' }])
    expect(plan.keep).toEqual([{ release: 'young', because: 'it may be on its way into the store' }])
  })

  it('orders releases of one second by the number in their names', () => {
    const releases = ['v10', 'v9', 'v11'].map((release) => ({ release, publishedAt: now, touchedAt: now }))
    expect(removed({ releases, environments: [], hosts: [], keep: 1 })).toEqual(['v10', 'v9'])
  })
})

test('whatever the store and the hosts say: each release has one fate, and what is needed stays', () => {
  const name = fc.constantFrom(...published(9).map(({ release }) => release))
  const use = fc.record({
    environment: fc.constantFrom('production', 'staging', 'demo'),
    current: fc.option(name, { nil: undefined }),
    previous: fc.option(name, { nil: undefined }),
    lastKnown: fc
      .array(fc.tuple(fc.constantFrom('web1', 'web2', 'web3'), name))
      .map((pairs) => new Map(pairs)),
  })
  const host = fc.oneof(
    fc.record({
      host: fc.constantFrom('web1', 'web2'),
      kind: fc.constant('told' as const),
      needs: fc.array(fc.record({ release: name, because: fc.constant('runs') })),
    }),
    fc.record({
      host: fc.constantFrom('web1', 'web3'),
      kind: fc.constant('silent' as const),
      because: fc.constant('x'),
    }),
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(use, { selector: ({ environment }) => environment }),
      fc.uniqueArray(host, { selector: (each) => each.host }),
      fc.integer({ min: 1, max: 12 }),
      (environments, hosts, keep) => {
        const plan = planStorePrune(facts({ environments, hosts, keep }))
        const gone = new Set(plan.remove.map(({ release }) => release))
        const fates = [...plan.remove, ...plan.keep].map(({ release }) => release)
        expect([...fates].sort()).toEqual(
          published(9)
            .map(({ release }) => release)
            .sort(),
        )
        for (const { current, previous } of environments) {
          expect(gone.has(current ?? '')).toBe(false)
          expect(gone.has(previous ?? '')).toBe(false)
        }
        for (const each of hosts)
          if (each.kind === 'told')
            for (const { release } of each.needs) expect(gone.has(release)).toBe(false)
        expect(plan.keep.length).toBeGreaterThanOrEqual(Math.min(keep, 9))
      },
    ),
  )
})
