import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineSplitter } from '../../src/adapters/line-splitter.js'
import { Redactor } from '../../src/secrets/redactor.js'
import { anyCharacter } from '../fixtures/any-character.js'
import { cases } from '../cases.js'

function knowing(...secrets: readonly string[]): Redactor {
  const redactor = new Redactor()
  for (const secret of secrets) redactor.learn(secret)
  return redactor
}

const secret = `p@ss/w"rd'é&$(x)+=\\?`
const { redact } = knowing(secret)

describe('a secret is hidden', () => {
  test.each([
    ['as it is', secret],
    ['in hex', Buffer.from(secret).toString('hex')],
    ['for a URL', encodeURIComponent(secret)],
    [
      'for a URL, in small letters',
      encodeURIComponent(secret).replaceAll(/%../g, (byte) => byte.toLowerCase()),
    ],
    ['in a form', new URLSearchParams({ a: secret }).toString().slice(2)],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
    ['in JSON of ASCII', JSON.stringify(secret).slice(1, -1).replace('é', '\\u00e9')],
    ['for a shell', secret.replaceAll("'", `'\\''`)],
  ])('%s', (_, shown) => {
    expect(redact(`before ${shown} after`)).toBe('before *** after')
  })

  test.each([0, 1, 2, 3, 4])('in base64, after %i bytes', (before) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      const shown = redact(Buffer.from(`${'u'.repeat(before)}${secret}:tail`).toString(encoding))
      expect(shown).toContain('***')
      expect(Buffer.from(shown.replaceAll('***', ''), encoding).toString()).not.toContain('w"rd')
    }
  })

  test('when base64 wraps its lines', () => {
    const key = Array.from({ length: 40 }, (_, index) => `line${index}of-a-long-key`).join('')
    const wrapped = execFileSync('base64', { input: key }).toString()
    const shown = knowing(key).redact(wrapped)
    expect(Buffer.from(shown, 'base64').toString()).not.toMatch(/of-a-long/)
  })

  test('line by line, when it has lines', () => {
    const key = '-----BEGIN KEY-----\nAAAAsecretAAAA\nBBBBsecretBBBB\n-----END KEY-----'
    expect(knowing(key).redact('| BBBBsecretBBBB |')).toBe('| *** |')
  })

  test('the longer one first, when one is part of another', () => {
    expect(knowing('abcd', 'abcdefgh').redact('abcdefgh abcd')).toBe('*** ***')
  })
})

test('text without a secret, and secrets too short to hide, stay as they are', () => {
  expect(redact('nothing to see here')).toBe('nothing to see here')
  expect(knowing('abc').redact('abc')).toBe('abc')
  expect(new Redactor().redact(secret)).toBe(secret)
})

test('no chunk border and no line limit lets a part through', () => {
  const token = 'canary-0123456789-canary'
  fc.assert(
    fc.property(
      fc.integer({ min: 64 * 1024 - 40, max: 64 * 1024 + 40 }),
      fc.integer({ min: 5_000, max: 50_000 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 6 }),
      (before, large, small) => {
        const cuts = [large, ...small]
        const bytes = Buffer.from(`${'x'.repeat(before)}${token}${'y'.repeat(before)}${token}\n${token}\n`)
        const lines: string[] = []
        const splitter = new LineSplitter((line) => lines.push(line), knowing(token))
        for (let from = 0, turn = 0; from < bytes.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1
          splitter.push(bytes.subarray(from, from + size))
          from += size
        }
        splitter.end()
        expect(lines.join('')).toBe(`${'x'.repeat(before)}***${'y'.repeat(before)}******`)
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(64 * 1024)
      },
    ),
    { numRuns: cases(25) },
  )
})

test('whatever the secret, and whatever is around it, it does not come through', () => {
  const text = fc.string({ unit: anyCharacter, maxLength: 40 })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 4, maxLength: 40 }), text, text, (value, a, b) => {
      fc.pre(!/^\*+$/.test(value) && !'***'.includes(value))
      const shown = knowing(value).redact(`${a}${value}${b}`)
      const bare = shown.replaceAll('***', '\0')
      expect(bare.includes(value)).toBe(false)
    }),
    { numRuns: cases(500) },
  )
})
