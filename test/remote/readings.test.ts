import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Answer, Fact } from '../../src/remote/answers.js'
import * as checkReadings from '../../src/remote/check-readings.js'
import * as readings from '../../src/remote/readings.js'

const digest = 'a'.repeat(64)
const answer = (facts: readonly Fact[], code = 0): Answer => ({
  kind: 'answer',
  code,
  text: 'text',
  facts,
  log: 'log',
})

const least: readonly Fact[] = [
  ['version', '1'],
  ['path', '/srv/api'],
  ['clock', '1700000000'],
  ['user', '1000 deploy'],
  ['current', 'none'],
]

test('the facts of a host', () => {
  const reading = readings.readHostFacts(
    answer([
      ...least,
      ['release', `v1 ${digest} good`],
      ['release', `v2 ${digest} -`],
      ['good', 'v1'],
      ['unconfirmed', 'id1 v2 -'],
      ['fence', '12'],
      ['free-bytes', '1024'],
      ['tool', 'zstd'],
      ['problem', 'no-space disk full: much to do'],
      ['something-new', 'ignored'],
    ]),
  )
  expect(reading).toEqual({
    kind: 'ok',
    log: 'log',
    value: {
      version: '1',
      path: '/srv/api',
      hostname: '',
      clock: 1_700_000_000_000,
      user: { id: 1000, name: 'deploy' },
      current: { kind: 'none' },
      good: ['v1'],
      unconfirmed: { id: 'id1', release: 'v2' },
      releases: [
        { release: 'v1', digest, mark: 'good' },
        { release: 'v2', digest },
      ],
      fence: 12,
      freeBytes: 1024,
      tools: new Set(['zstd']),
      problems: [{ code: 'no-space', text: 'disk full: much to do' }],
    },
  })
})

describe('a host that makes no sense is unknown', () => {
  test.each<readonly [string, string]>([
    ['current', ''],
    ['current', 'release ../../etc'],
    ['current', 'release'],
    ['current', 'elsewhere'],
    ['release', `v1 ${digest.slice(1)} good`],
    ['release', `v1 ${digest} great`],
    ['good', 'a b'],
    ['good', '-rf'],
    ['unconfirmed', 'id1 v2'],
    ['fence', '-1'],
    ['fence', '99999999999999999999'],
    ['free-bytes', '1e9'],
    ['via', 'magic'],
    ['user', 'root'],
    ['clock', 'noon'],
  ])('%s: %j', (key, value) => {
    const facts = [...least.filter(([name]) => name !== key), [key, value] as const]
    expect(readings.readHostFacts(answer(facts))).toMatchObject({ kind: 'unknown' })
  })
})

test('a refusal keeps its code, an unknown its reason', () => {
  expect(readings.readHostFacts(answer([], 13))).toEqual({
    kind: 'refused',
    code: 13,
    text: 'text',
    log: 'log',
  })
  const unknown = { kind: 'unknown', because: 'cut', log: '' } as const
  expect(readings.readStatus(unknown)).toEqual(unknown)
})

test('a service that nobody knows has no facts', () => {
  const facts: Fact[] = ['active', 'state', 'pid', 'restarts', 'cwd', 'started'].map((key) => [
    key,
    'unknown',
  ])
  expect(readings.readServiceFacts(answer(facts))).toEqual({ kind: 'ok', log: 'log', value: {} })
})

test('no facts whatever make a reader throw', () => {
  const keys = [
    'version',
    'path',
    'clock',
    'user',
    'current',
    'release',
    'good',
    'unconfirmed',
    'fence',
    'pid',
    'journal',
    'removed',
    'exit',
    'previous',
    'active',
    'leftover',
    'unit-place',
    'guard-ends',
  ]
  const fact = fc.tuple(
    fc.constantFrom(...keys),
    fc.oneof(fc.string(), fc.constantFrom('release v1', 'none', '1 2 3 4 5', `v1 ${digest} good`)),
  )
  fc.assert(
    fc.property(fc.array(fact), (facts) => {
      for (const read of Object.values({ ...readings, ...checkReadings }))
        expect(['ok', 'unknown']).toContain(read(answer(facts)).kind)
    }),
  )
})
