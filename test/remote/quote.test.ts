import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { newline, quote, sh } from '../../src/remote/quote.js'
import { remoteCommand } from '../../src/remote/wire.js'
import { pathOf, shells } from './agent/host.js'

const scratch = mkdtempSync(join(tmpdir(), 'deliver-quote-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** What the shell behind the wire makes of the values, each a string of bytes. */
function roundTrip(path: string, values: readonly string[]): readonly string[] {
  const line = `${newline.text}set -- ${values.map(quote).join(' ')};for v do printf '%s\\0' "$v";done\n`
  const shell = join(path.split(':')[0] ?? '', 'sh')
  const { stdout } = spawnSync(shell, ['-c', remoteCommand], {
    input: Buffer.from(line, 'latin1'),
    env: { PATH: path, LANG: 'C.UTF-8' },
    maxBuffer: 2 ** 28,
  })
  return stdout.toString('latin1').split('\0').slice(0, -1)
}

const bytes = fc
  .uint8Array({ minLength: 0, maxLength: 40 })
  .map((array) => Buffer.from(array.filter((byte) => byte !== 0)).toString('latin1'))
const unicode = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .map((text) => Buffer.from(text.replaceAll('\0', '')).toString('latin1'))
const shellish = fc
  .array(
    fc.constantFrom(
      "'",
      '"',
      '\\',
      '\n',
      '$',
      '`',
      '$(id)',
      ';',
      '&',
      '|',
      '*',
      '?',
      '~',
      '-',
      '!',
      ' ',
      '#',
      '\r',
      '%s',
      '=',
      '{a,b}',
    ),
  )
  .map((parts) => parts.join(''))

describe.each(shells)('through $shell', ({ shell, installed }) => {
  test.skipIf(!installed)('values arrive unchanged', () => {
    const path = pathOf(shell, join(scratch, shell))
    let count = 0
    fc.assert(
      fc.property(
        fc.array(fc.oneof(bytes, unicode, shellish), { minLength: 600, maxLength: 700 }),
        (values) => {
          count += values.length
          expect(roundTrip(path, values)).toEqual(values)
        },
      ),
      { numRuns: 20, endOnFailure: true },
    )
    expect(count).toBeGreaterThan(10_000)
  })
})

test('a value is one word on one line', () => {
  expect(quote("it's")).toBe(`'it'\\''s'`)
  expect(quote('')).toBe(`''`)
  expect(quote('a\nb')).toBe(`'a'"$n"'b'`)
})

test('a NUL is refused', () => {
  expect(() => quote('a\0b')).toThrow(RangeError)
})

test('what stands in the template is shell, values are quoted, lines are not quoted again', () => {
  const inner = sh`echo ${'$x; rm'}`
  expect(sh`if true; then ${inner}; fi # ${7}`.text).toBe(`if true; then echo '$x; rm'; fi # '7'`)
})
