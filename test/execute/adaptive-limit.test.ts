import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  firstLimit,
  leastOf,
  mostOf,
  nextLimit,
  type AdaptiveLimit,
} from '../../src/execute/adaptive-limit.js'
import type { Machine } from '../../src/ports.js'
import { twoCores } from '../fakes/load.js'

const GiB = 2 ** 30
const idle = { busy: 0.1, used: 0.1 * GiB, free: 4 * GiB, running: 20 }

describe('where it starts', () => {
  test.each<[string, Machine, number]>([
    ['ten for each core', { cores: 2, memory: 8 * GiB }, 20],
    ['one core', { cores: 1, memory: 8 * GiB }, 10],
    ['many cores are no reason for ever more', { cores: 96, memory: 256 * GiB }, 64],
    ['little memory', { cores: 8, memory: 0.5 * GiB }, 16],
    ['hardly any memory', { cores: 8, memory: 0.05 * GiB }, 8],
    ['few files', { cores: 8, memory: 8 * GiB, openFiles: 256 }, 48],
  ])('%s', (_, machine, limit) => {
    expect(firstLimit(machine)).toEqual({ limit, strained: 0 })
  })
})

describe('after a look', () => {
  test.each<[string, Partial<typeof idle>, number]>([
    ['nothing to do: half as many again', {}, 30],
    ['busy: as it is', { busy: 0.6 }, 20],
    ['too much to do, once: as it is', { busy: 1 }, 20],
    ['half of the memory is ours: as it is', { used: 4 * GiB }, 20],
    ['little memory is free: as it is', { free: 0.25 * GiB }, 20],
    ['most of the memory is ours: the least', { used: 6 * GiB }, 8],
    ['no memory is free: the least', { free: 0 }, 8],
  ])('%s', (_, change, limit) => {
    expect(nextLimit({ limit: 20, strained: 0 }, { ...idle, ...change }, twoCores).limit).toBe(limit)
  })

  test('twice too much to do: fewer, and no fewer yet while those above the limit run', () => {
    const reading = { ...idle, busy: 1, running: 100 }
    const once = nextLimit({ limit: 100, strained: 0 }, reading, twoCores)
    const twice = nextLimit(once, reading, twoCores)
    expect(twice).toEqual({ limit: 75, strained: 0 })
    const later = nextLimit({ ...twice, strained: 1 }, reading, twoCores)
    expect(later.limit).toBe(75)
    expect(nextLimit({ ...twice, strained: 1 }, { ...reading, running: 75 }, twoCores).limit).toBe(56)
  })

  test('from the start to the most in two seconds, where nothing is in the way', () => {
    let state = firstLimit(twoCores)
    const limits = Array.from({ length: 8 }, () => (state = nextLimit(state, idle, twoCores)).limit)
    expect(limits).toEqual([30, 45, 68, 102, 153, 230, 256, 256])
  })
})

test('a number in the config is as many as there are; auto is the floor', () => {
  expect(leastOf(20)).toBe(20)
  expect(leastOf(1)).toBe(1)
  expect(leastOf('auto')).toBe(8)
})

describe('whatever is seen', () => {
  const machines = fc.record(
    {
      cores: fc.integer({ min: 1, max: 256 }),
      memory: fc.integer({ min: 1, max: 2 ** 40 }),
      openFiles: fc.integer({ min: 1, max: 1_000_000 }),
    },
    { requiredKeys: ['cores', 'memory'] },
  )
  const readings = fc.record(
    {
      busy: fc.double({ min: 0, max: 1, noNaN: true }),
      used: fc.integer({ min: 0, max: 2 ** 40 }),
      free: fc.integer({ min: 0, max: 2 ** 40 }),
      running: fc.integer({ min: 0, max: 300 }),
    },
    { requiredKeys: ['busy', 'used', 'running'] },
  )
  const after = (machine: Machine, seen: readonly (typeof idle)[]): readonly AdaptiveLimit[] => {
    const states = [firstLimit(machine)]
    for (const reading of seen) states.push(nextLimit(states.at(-1) ?? firstLimit(machine), reading, machine))
    return states
  }

  test('it stays whole, and between the least and the most', () => {
    fc.assert(
      fc.property(machines, fc.array(readings as fc.Arbitrary<typeof idle>), (machine, seen) => {
        for (const { limit } of after(machine, seen)) {
          expect(Number.isInteger(limit)).toBe(true)
          expect(limit).toBeGreaterThanOrEqual(leastOf('auto'))
          expect(limit).toBeLessThanOrEqual(mostOf(machine))
          expect(limit).toBeLessThanOrEqual(256)
        }
      }),
    )
  })

  const states = fc.record({ limit: fc.integer({ min: 8, max: 256 }), strained: fc.nat(1) })
  const roomy = (machine: Machine): boolean => machine.openFiles === undefined || machine.openFiles > 2_000

  test('it grows where this process has nothing to do and memory is left, until it is the most', () => {
    fc.assert(
      fc.property(machines, states, fc.double({ min: 0, max: 0.59, noNaN: true }), (machine, state, busy) => {
        fc.pre(roomy(machine))
        const next = nextLimit(state, { busy, used: 0, running: state.limit }, machine)
        expect(next.limit).toBe(Math.min(mostOf(machine), state.limit + Math.ceil(state.limit / 2)))
      }),
    )
  })

  test('it never grows where this process is busy, or memory is short', () => {
    fc.assert(
      fc.property(machines, states, readings, (machine, state, reading) => {
        const lacks = reading.used >= machine.memory / 2 || (reading.free ?? Infinity) <= 2 ** 28
        fc.pre(lacks || reading.busy >= 0.6)
        expect(nextLimit(state, reading, machine).limit).toBeLessThanOrEqual(state.limit)
      }),
    )
  })

  test('who has more to do is let in no more', () => {
    fc.assert(
      fc.property(machines, states, readings, readings, (machine, state, one, other) => {
        const busier = { ...one, busy: Math.max(one.busy, other.busy) }
        expect(nextLimit(state, busier, machine).limit).toBeLessThanOrEqual(
          nextLimit(state, one, machine).limit,
        )
      }),
    )
  })

  test('too much to do for long: it comes down to the least as those above it end', () => {
    fc.assert(
      fc.property(states, (start) => {
        let state: AdaptiveLimit = start
        for (let look = 0; look < 40; look++)
          state = nextLimit(state, { busy: 1, used: 0, running: state.limit }, twoCores)
        expect(state.limit).toBe(leastOf('auto'))
      }),
    )
  })
})
