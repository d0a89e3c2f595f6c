import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BatchSize } from '../../src/config/types.js'
import {
  batchSize,
  budgetFor,
  interleave,
  pickBatch,
  previewBatches,
  sizeFor,
  unavailableLimit,
  zonesOf,
  type Candidate,
} from '../../src/plan/batches.js'
import type { RolloutPolicy } from '../../src/plan/types.js'

const policy = (sizes: readonly BatchSize[], change: Partial<RolloutPolicy> = {}): RolloutPolicy => ({
  sizes,
  maxFailures: { count: 0 },
  pause: 0,
  onFailure: 'rollback',
  ...change,
})

const sizes = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
)

/** `a1` is the first host of zone a; `a1!` is out of service. */
function hosts(...names: readonly string[]): readonly Candidate[] {
  return names.map((name) => ({
    host: name.replace('!', ''),
    zone: name.replace(/\d+!?$/, ''),
    serving: !name.endsWith('!'),
  }))
}

describe('sizeFor', () => {
  it.each([
    [{ count: 1 }, 8, 1],
    [{ count: 3 }, 8, 3],
    [{ count: 20 }, 8, 8],
    [{ percent: 25 }, 8, 2],
    [{ percent: 25 }, 7, 1],
    [{ percent: 1 }, 7, 1],
    [{ percent: 100 }, 7, 7],
    [{ percent: 50 }, 0, 1],
  ])('%j of %i hosts is %i', (size, fleet, expected) => {
    expect(sizeFor(size, fleet)).toBe(expected)
  })

  it('is at least one and at most the fleet', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), sizes, (fleet, size) => {
        const count = sizeFor(size, fleet)
        return count >= 1 && count <= fleet
      }),
    )
  })

  it('is a budget that may be none', () => {
    expect(budgetFor({ count: 0 }, 8)).toBe(0)
    expect(budgetFor({ percent: 10 }, 9)).toBe(0)
    expect(budgetFor({ percent: 10 }, 20)).toBe(2)
  })
})

describe('batchSize', () => {
  const growing = [{ count: 1 }, { count: 5 }, { percent: 20 }]

  it('takes the sizes in turn, and repeats the last', () => {
    expect([1, 2, 3, 4, 5].map((number) => batchSize(policy(growing), number, 50))).toEqual([
      1, 5, 10, 10, 10,
    ])
  })

  it('has the canaries before them', () => {
    const canary = policy(growing, { canary: { hosts: 2, bake: 1 } })
    expect([1, 2, 3, 4].map((number) => batchSize(canary, number, 50))).toEqual([2, 1, 5, 10])
  })

  it('bounds what is out of service, unless there is a bound of its own', () => {
    expect(unavailableLimit(policy(growing), 50)).toBe(10)
    expect(unavailableLimit(policy([{ count: 1 }], { canary: { hosts: 3, bake: 1 } }), 50)).toBe(3)
    expect(unavailableLimit(policy(growing, { maxUnavailable: { percent: 10 } }), 50)).toBe(5)
    expect(unavailableLimit(policy(growing, { maxUnavailable: { percent: 10 } }), 5)).toBe(1)
  })
})

describe('pickBatch', () => {
  const pick = (queue: readonly Candidate[], size: number, room = size, fleet = queue): readonly string[] =>
    pickBatch(queue, { size, room, zones: zonesOf(fleet), fleet: fleet.length })

  it('takes the first, as many as fit', () => {
    expect(pick(hosts('a1', 'b1', 'a2', 'b2'), 2)).toEqual(['a1', 'b1'])
    expect(pick(hosts('a1', 'b1', 'a2', 'b2'), 2, 1)).toEqual(['a1'])
    expect(pick(hosts('a1', 'b1', 'a2', 'b2'), 2, 0)).toEqual([])
  })

  it('takes hosts that are out of service whatever the room', () => {
    expect(pick(hosts('a1!', 'a2!', 'a3', 'b1'), 3, 0)).toEqual(['a1', 'a2'])
    expect(pick(hosts('a1!', 'b1', 'b2'), 3, 1)).toEqual(['a1', 'b1'])
  })

  it('leaves a host to every zone that has more than one', () => {
    expect(pick(hosts('a1', 'b1', 'a2', 'b2', 'b3'), 4)).toEqual(['a1', 'b1', 'b2'])
    expect(pick(hosts('a1', 'b1', 'b2'), 2)).toEqual(['a1', 'b1'])
  })

  it('does not take the last one that serves in a zone where others are out, as long as there are more', () => {
    const fleet = hosts('a1', 'a2!', 'b1', 'b2')
    expect(pick(hosts('a1', 'b1', 'b2'), 1, 1, fleet)).toEqual(['b1'])
    expect(pick(hosts('a1'), 1, 1, fleet)).toEqual(['a1'])
  })

  it('takes all when all are asked for', () => {
    expect(pick(hosts('a1', 'a2', 'a3'), 3)).toEqual(['a1', 'a2', 'a3'])
  })
})

describe('previewBatches', () => {
  const queues = fc
    .array(fc.record({ zone: fc.constantFrom('a', 'b', 'c', undefined), serving: fc.boolean() }), {
      maxLength: 30,
    })
    .map((list) => list.map((each, i): Candidate => ({ host: `h${i}`, ...each })))

  it('has every host, once, and no batch over its size', () => {
    fc.assert(
      fc.property(queues, fc.array(sizes, { minLength: 1, maxLength: 4 }), (queue, list) => {
        const rules = policy(list)
        const out = queue.filter(({ serving }) => !serving).length
        const room = unavailableLimit(rules, queue.length) - out
        const batches = previewBatches(rules, queue, { size: queue.length, zones: zonesOf(queue), room })
        expect([...batches.flat()].sort()).toEqual(queue.map(({ host }) => host).sort())
        for (const [index, batch] of batches.entries())
          expect(batch.length).toBeLessThanOrEqual(batchSize(rules, index + 1, queue.length))
      }),
    )
  })
})

describe('interleave', () => {
  it('takes from each zone in turn', () => {
    expect(interleave(hosts('a1', 'a2', 'a3', 'b1', 'c1', 'c2')).map(({ host }) => host)).toEqual([
      'a1',
      'b1',
      'c1',
      'a2',
      'c2',
      'a3',
    ])
    expect(interleave([])).toEqual([])
  })
})
