import { describe, expect, test } from 'vitest'
import { fileEntry, journalEntry } from '../../src/logs/line-time.js'
import { mergeByTime, youngerThan } from '../../src/logs/merge.js'
import { Place, remembered } from '../../src/logs/overlap.js'

describe('the time of a line', () => {
  const noon = Date.UTC(2024, 4, 1, 12)
  test.each([
    ['2024-05-01T12:00:00Z hello', noon],
    ['[2024-05-01 12:00:00,250] hello', noon + 250],
    ['2024-05-01T14:00:00.5+0200 hello', noon + 500],
    ['2024-05-01T14:00:00+02:00 hello', noon],
    [`{"level":30,"time":${noon},"msg":"hello"}`, noon],
    [`{"ts":${noon / 1000}.5,"msg":"hello"}`, noon + 500],
    ['    at Server.listen (net.js:1:2)', undefined],
    ['2024-99-99T99:99:99Z', undefined],
    [`${'x'.repeat(300)}2024-05-01T12:00:00Z`, undefined],
  ])('%s', (line, at) => {
    expect(fileEntry(line).at).toBe(at)
    expect(fileEntry(line).text).toBe(line)
  })

  test('of a journal becomes readable', () => {
    expect(journalEntry('1714564800.250000 web1 api[7]: hello')).toEqual({
      text: '2024-05-01T12:00:00.250Z web1 api[7]: hello',
      at: noon + 250,
    })
    expect(journalEntry('-- Reboot --').at).toBeUndefined()
  })
})

test('logs are merged by time, and a log keeps its order', () => {
  const entry = (host: string, text: string, at?: number) => ({ host, text, at })
  const merged = mergeByTime([
    [entry('a', 'a1', 1), entry('a', 'stack'), entry('a', 'a3', 3), entry('a', 'clock went back', 0)],
    [entry('b', 'b0'), entry('b', 'b2', 2), entry('b', 'b3', 3)],
    [],
  ])
  expect(merged.map(({ text }) => text)).toEqual(['b0', 'a1', 'stack', 'b2', 'a3', 'clock went back', 'b3'])
  expect(youngerThan(merged, 2).map(({ text }) => text)).toEqual(['b0', 'b2', 'a3', 'b3'])
})

describe('a log that is read again', () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `line ${from + index}`)
  function placeAfter(seen: readonly string[]): Place {
    const place = new Place()
    seen.forEach((line) => place.passed(line))
    return place
  }

  test('goes on behind what was seen', () => {
    expect(placeAfter(lines(0, 80)).after(lines(20, 85))).toEqual({ lines: lines(80, 85), found: true })
    expect(placeAfter(lines(0, 3)).after(lines(0, 4))).toEqual({ lines: ['line 3'], found: true })
    expect(placeAfter(lines(0, 80)).after(lines(0, 80))).toEqual({ lines: [], found: true })
  })

  test('is another one when the place is not in it', () => {
    const other = lines(500, 600)
    expect(placeAfter(lines(0, 80)).after(other)).toEqual({ lines: other, found: false })
    expect(placeAfter(lines(0, 80)).after([])).toEqual({ lines: [], found: false })
  })

  test('that was empty is all new', () => {
    expect(placeAfter([]).after(['a'])).toEqual({ lines: ['a'], found: true })
    expect(remembered).toBeGreaterThan(10)
  })
})
