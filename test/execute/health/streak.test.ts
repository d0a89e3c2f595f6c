import { expect, test } from 'vitest'
import { Streak, type Enough } from '../../../src/execute/health/streak.js'

/** The ms at which answers that all are good are enough, with the first at 0. */
function enoughAt(enough: Enough): readonly number[] {
  const streak = new Streak(enough)
  const times: number[] = []
  for (let now = 0; times.length < 50; now += streak.pause(now)) {
    times.push(now)
    if (streak.wouldDo(now)) return times
    streak.good(now)
  }
  throw new Error('never enough')
}

test.each<[number, number, number, readonly number[]]>([
  [1, 0, 1_000, [0]],
  [3, 0, 1_000, [0, 1_000, 2_000]],
  [2, 1_500, 1_000, [0, 1_000, 1_500]],
  [1, 2_500, 1_000, [0, 1_000, 2_000, 2_500]],
  [3, 1_000, 1_000, [0, 1_000, 2_000]],
  [2, 10_000, 30_000, [0, 30_000]],
  [1, 10_000, 30_000, [0, 10_000]],
])('%i answers over %i ms, %i ms apart', (successes, minUptime, interval, times) => {
  expect(enoughAt({ successes, minUptime, interval })).toEqual(times)
})

test('a bad answer starts the count and the time again', () => {
  const streak = new Streak({ successes: 2, minUptime: 1_000, interval: 500 })
  for (const now of [0, 500]) streak.good(now)
  expect(streak.wouldDo(1_000)).toBe(true)
  streak.bad()
  expect(streak.wouldDo(1_000)).toBe(false)
  streak.good(1_000)
  expect(streak.wouldDo(1_500)).toBe(false)
  expect(streak.wouldDo(2_000)).toBe(true)
})
