import fc from 'fast-check'
import { expect, it } from 'vitest'
import { partsOf } from '../../../src/adapters/s3/parts.js'
import { cases } from '../../cases.js'

const mebibyte = 1024 * 1024
const tebibyte = mebibyte ** 2

it('cuts any size into parts that S3 takes, and that are as large as the file', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 200 * mebibyte }), fc.integer({ min: 1, max: 5 * tebibyte })),
      (size) => {
        const parts = partsOf(size)
        expect(parts.length).toBeLessThanOrEqual(10_000)
        expect(parts.reduce((sum, part) => sum + part.size, 0)).toBe(size)
        expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1))
        expect(parts.slice(0, -1).every((part) => part.size >= 5 * mebibyte)).toBe(true)
        expect(parts.at(-1)?.size).toBeGreaterThan(0)
      },
    ),
    { numRuns: cases(200) },
  )
})
