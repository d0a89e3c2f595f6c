import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchCount, batchLimit, inBatches } from '../../src/plan/batches.js'

describe('batchCount', () => {
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
    expect(batchCount(size, fleet)).toBe(expected)
  })

  it('is at least one and at most the fleet', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.oneof(
          fc.record({ count: fc.integer({ min: 1, max: 1000 }) }),
          fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
        ),
        (fleet, size) => {
          const count = batchCount(size, fleet)
          return count >= 1 && count <= fleet
        },
      ),
    )
  })
})

describe('batchLimit', () => {
  it('takes all hosts at once when the strategy is parallel, whatever the batch', () => {
    expect(batchLimit({ strategy: 'parallel', batch: { count: 1 } }, 9)).toBe(9)
    expect(batchLimit({ strategy: 'rolling', batch: { count: 2 } }, 9)).toBe(2)
  })
})

describe('inBatches', () => {
  it('keeps every host, once, in order, and no batch over the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 10 }), (hosts, limit) => {
        const batches = inBatches(hosts, limit)
        expect(batches.flat()).toEqual(hosts)
        for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(limit)
      }),
    )
  })
})
