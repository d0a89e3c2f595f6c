import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesPattern, matchesPatternList } from '../../../src/adapters/ssh/patterns.js'

describe('matchesPattern', () => {
  test.each([
    ['web1', 'web1', true],
    ['web1', 'web12', false],
    ['web*', 'web', true],
    ['web*', 'web12', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['10.0.0.?', '10.0.0.7', true],
    ['10.0.0.?', '10.0.0.70', false],
    ['*a*b*', 'xaxbx', true],
    ['*a*b*', 'xbxax', false],
    ['', '', true],
    ['', 'x', false],
    ['*', '', true],
    ['?', '', false],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
  ])('%j against %j is %s', (pattern, text, matches) => {
    expect(matchesPattern(pattern, text)).toBe(matches)
  })

  test('agrees with a regular expression for every pattern', () => {
    const short = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 })
    fc.assert(
      fc.property(short, short, (pattern, text) => {
        const escaped = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
        expect(matchesPattern(pattern, text)).toBe(new RegExp(`^${escaped}$`, 's').test(text))
      }),
    )
  })

  test('a hostile pattern costs no exponential time', () => {
    const before = performance.now()
    expect(matchesPattern('a*'.repeat(200) + 'b', 'a'.repeat(5_000))).toBe(false)
    expect(performance.now() - before).toBeLessThan(2_000)
  })
})

describe('matchesPatternList', () => {
  test.each([
    [['web*', '!web3'], 'web1', true],
    [['web*', '!web3'], 'web3', false],
    [['!web3', 'web*'], 'web3', false],
    [['!web3'], 'web1', false],
    [[], 'web1', false],
  ])('%j against %j is %s', (patterns, text, matches) => {
    expect(matchesPatternList(patterns, text)).toBe(matches)
  })
})
