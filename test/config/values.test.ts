import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatBatches,
  formatDuration,
  parseBatches,
  parseDuration,
  parseSize,
  shown,
} from '../../src/config/values.js'

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['2h', 7_200_000],
    ['1.5s', 1500],
    ['1d2h3m4s5ms', 93_784_005],
    ['0s', 0],
    [' 5m ', 300_000],
    ['24d', 2_073_600_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: ms })
  })

  test.each([
    ['10', '"10" has no unit. Write 10s'],
    ['1.5', '"1.5" has no unit. Write 1.5s'],
    ['', 'no duration'],
    ['s', 'no duration'],
    ['-5s', 'no duration'],
    ['5 s', 'no duration'],
    ['30s1m', 'no duration'],
    ['1s1s', 'no duration'],
    ['1..5s', 'no duration'],
    ['.s', 'no duration'],
    ['1e3s', 'no duration'],
    ['5M', 'no duration'],
    ['25d', 'too long'],
    ['9'.repeat(400) + 's', 'too long'],
  ])('%j is refused', (text, problem) => {
    expect(parseDuration(text)).toMatchObject({
      ok: false,
      problem: expect.stringContaining(problem) as string,
    })
  })

  test('what is formatted is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, value: ms })
      }),
    )
  })

  test('no text makes it throw or gives a number that timers cannot take', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = parseDuration(text)
        if (!read.ok) return read.problem.includes('. Write')
        return Number.isInteger(read.value) && read.value >= 0 && read.value < 2 ** 31
      }),
    )
  })
})

describe('batches', () => {
  test.each([
    [1, [{ count: 1 }]],
    ['12', [{ count: 12 }]],
    ['25%', [{ percent: 25 }]],
    ['100%', [{ percent: 100 }]],
    ['1,5,20%', [{ count: 1 }, { count: 5 }, { percent: 20 }]],
    ['1, 50%', [{ count: 1 }, { percent: 50 }]],
  ])('%j', (value, batches) => {
    expect(parseBatches(value)).toEqual({ ok: true, value: batches })
  })

  test.each([0, '0', '0%', '101%', -1, 1.5, NaN, Infinity, '', '%', '25 %', '1,', ',1', '1,0', 'all', '1e3'])(
    '%j is refused',
    (value) => {
      expect(parseBatches(value)).toMatchObject({
        ok: false,
        problem: expect.stringContaining('"25%"') as string,
      })
    },
  )

  test('a list without end is refused', () => {
    expect(parseBatches('1,'.repeat(1000) + '1')).toMatchObject({ ok: false })
  })

  test('what is formatted is read back', () => {
    const count = fc.integer({ min: 1, max: 999_999 }).map((value) => ({ count: value }))
    const percent = fc.integer({ min: 1, max: 100 }).map((value) => ({ percent: value }))
    const sizes = fc.array(fc.oneof(count, percent), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(sizes, (batches) => {
        expect(parseBatches(formatBatches(batches))).toEqual({ ok: true, value: batches })
      }),
    )
  })

  test('none at all is a number of failures, and no size of a batch', () => {
    expect(parseSize('0', 0)).toEqual({ ok: true, value: { count: 0 } })
    expect(parseSize('0%', 0)).toEqual({ ok: true, value: { percent: 0 } })
    expect(parseSize('0', 1)).toMatchObject({ ok: false })
    expect(parseSize('1,2', 0)).toMatchObject({ ok: false })
  })
})

test('a value in a message stays on its line, short and printable', () => {
  expect(shown('a\nb\x1b[31m')).toBe('"a\\u{a}b\\u{1b}[31m"')
  expect(shown('x'.repeat(500)).length).toBeLessThan(100)
})
