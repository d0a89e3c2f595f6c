import { describe, expect, test } from 'vitest'
import { intendedRelease, troubles, type Found } from '../../src/plan/drift.js'

describe('what hosts ought to run', () => {
  test.each<[string, string | undefined, readonly (string | null)[], string | undefined]>([
    ['what the pointer names', 'v2', ['v1', 'v1'], 'v2'],
    ['without a pointer what most run', undefined, ['v1', 'v2', 'v2', null], 'v2'],
    ['nothing, when nothing runs', undefined, [null, null], undefined],
    ['nothing, when nobody could be read', undefined, [], undefined],
  ])('%s', (_, pointer, currents, expected) => {
    expect(intendedRelease(pointer, currents)).toBe(expected)
  })
})

describe('what is not as it ought to be', () => {
  const well: Found = { current: 'v2', unconfirmed: false, now: { health: 'healthy' } }
  test.each<[Partial<Found>, string | undefined, readonly string[]]>([
    [{}, 'v2', []],
    [{}, undefined, []],
    [{ now: { health: 'unchecked' } }, 'v2', []],
    [{ current: 'v1' }, 'v2', ['not v2']],
    [{ current: null }, 'v2', ['not v2']],
    [{ current: null, foreign: 'a directory' }, 'v2', ['not v2']],
    [{ unconfirmed: true }, 'v2', ['on trial: not confirmed yet']],
    [{ now: { health: 'unhealthy', because: 'status 500' } }, 'v2', ['status 500']],
    [
      { current: 'v1', unconfirmed: true, now: { health: 'unhealthy' } },
      'v2',
      ['not v2', 'on trial: not confirmed yet', 'not healthy'],
    ],
  ])('%j of %s: %j', (change, intended, expected) => {
    expect(troubles({ ...well, ...change }, intended)).toEqual(expected)
  })
})
