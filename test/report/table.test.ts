import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { longestLine, sanitiseLine, sanitiseLines } from '../../src/report/sanitise.js'
import { layOut } from '../../src/report/table.js'
import { showMilliseconds } from '../../src/report/units.js'
import { displayWidth, fit } from '../../src/report/width.js'
import { anyCharacter } from '../fixtures/any-character.js'

const row = (...cells: readonly string[]) => cells.map((text) => ({ text }))

describe('tables', () => {
  test('columns are aligned, lines end without spaces', () => {
    expect(
      layOut({
        columns: ['host', 'state'],
        rows: [row('web1', 'done'), row('a', ''), row('長い', 'x'), row('b')],
      }),
    ).toEqual(['HOST  STATE', 'web1  done', 'a', '長い  x', 'b'])
  })

  test('colours do not count as width', () => {
    const table = { columns: ['a', 'b'], rows: [[{ text: 'x', tone: 'good' as const }, { text: 'y' }]] }
    expect(layOut(table, { paint: (text, tone) => (tone === 'good' ? `<${text}>` : text) })[1]).toBe('<x>  y')
  })

  test('the widest column gives way first', () => {
    const table = { columns: ['host', 'text'], rows: [row('web1', 'x'.repeat(50))] }
    expect(layOut(table, { width: 20 })).toEqual(['HOST  TEXT', `web1  ${'x'.repeat(13)}…`])
  })

  test('no cell makes a line wider than the terminal, if columns have room at all', () => {
    const table = fc.array(
      fc.tuple(fc.string({ unit: 'grapheme' }), fc.string(), fc.string({ unit: anyCharacter })),
    )
    fc.assert(
      fc.property(table, fc.integer({ min: 28, max: 100 }), (rows, width) => {
        const lines = layOut(
          { columns: ['a', 'b', 'c'], rows: rows.map((cells) => row(...cells)) },
          { width },
        )
        return lines.length === rows.length + 1 && lines.every((line) => displayWidth(line) <= width)
      }),
    )
  })

  test('none at all', () => {
    expect(layOut({ columns: ['a'], rows: [] })).toEqual(['A'])
  })
})

describe('text of strangers', () => {
  test.each([
    ['plain ünïcödé 👍', 'plain ünïcödé 👍'],
    ['\x1b[31mred\x1b[0m', 'red'],
    ['\x1b]8;;http://evil\x1b\\link\x1b]8;;\x07', 'link'],
    ['\x1bP1$r\x1b\\x', 'x'],
    ['\x1b(Bx\x1bcy', 'xy'],
    ['\x1b]0;never ended', ''],
    ['a\tb', 'a    b'],
    ['end\r', 'end'],
    ['10%\r20%', '10%\\r20%'],
    ['\0\x07\x7f\x85', '\\x00\\x07\\x7f\\x85'],
    ['\ud800', '\\u{d800}'],
    ['a\u202eb', 'a\\u{202e}b'],
  ])('%j', (text, expected) => {
    expect(sanitiseLine(text)).toBe(expected)
  })

  test('no control character is left, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            '\x1b',
            '[',
            ']',
            'm',
            ';',
            '1',
            '\x07',
            '\x9b',
            '\\',
            '\n',
            'P',
            '\u2028',
            'é',
          ),
        }),
        (text) =>
          // eslint-disable-next-line no-control-regex
          sanitiseLine(text).search(/[\x00-\x1f\x7f-\x9f\u2028]/) === -1,
      ),
    )
  })

  test('a line is bounded, and says what it lacks', () => {
    const line = sanitiseLine('x'.repeat(longestLine + 5))
    expect(line).toBe(`${'x'.repeat(longestLine)}… (5 more characters)`)
    expect(sanitiseLine('ab👍', 3)).toBe('ab… (2 more characters)')
  })

  test.each(['\x1b]', '\x1b[', '\x9b0', '\x1bP\x1b', '\r', '\x1b['])(
    '%j over and over takes no long time',
    (unit) => {
      const started = performance.now()
      sanitiseLine(unit.repeat(longestLine))
      expect(performance.now() - started).toBeLessThan(2000)
    },
  )

  test('several lines stay several', () => {
    expect(sanitiseLines('a\r\nb\n\n')).toEqual(['a', 'b'])
  })
})

test('what is fitted fits', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 1, max: 20 }),
      (text, width) => displayWidth(fit(text, width)) <= width,
    ),
  )
})

test.each([
  [0, '0ms'],
  [999.4, '999ms'],
  [59_940, '59.9s'],
  [59_999, '1m00s'],
  [3_599_600, '1h00m'],
  [NaN, '?'],
  [-1, '?'],
])('%d milliseconds are %s', (ms, text) => {
  expect(showMilliseconds(ms)).toBe(text)
})
