import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEffective, parseShownKeys } from '../../../../src/adapters/ssh/openssh/answer.js'
import { anyCharacter } from '../../../fixtures/any-character.js'

describe('parseEffective', () => {
  test('keywords in lower case, each with its values in order', () => {
    const text = 'host web1\nUser deploy\nidentityfile ~/a b\nidentityfile c\nproxyjump \nbatchmode\n'
    expect([...parseEffective(text)]).toEqual([
      ['host', ['web1']],
      ['user', ['deploy']],
      ['identityfile', ['~/a b', 'c']],
      ['proxyjump', ['']],
      ['batchmode', ['']],
    ])
  })

  test('a value of any characters is one value', () => {
    const value = fc.string({ unit: anyCharacter }).map((text) => `x${text.replaceAll('\n', '')}x`)
    fc.assert(
      fc.property(fc.constantFrom('user', 'constructor', '__proto__'), value, (keyword, text) => {
        expect(parseEffective(`${keyword} ${text}\n`).get(keyword)).toEqual([text])
      }),
    )
  })

  test('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        for (const [keyword, values] of parseEffective(text)) {
          expect(keyword).toMatch(/^\S+$/)
          expect(values.length).toBeGreaterThan(0)
        }
      }),
    )
  })
})

describe('parseShownKeys', () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((array) => Buffer.from(array))

  test('the keys of all hosts on the way, in order', () => {
    const name = fc.constantFrom('web1', '[10.0.0.1]:2222', 'a name with spaces', '::1', 'ssh-rsa')
    fc.assert(
      fc.property(fc.array(fc.record({ name, key })), (shown) => {
        const text = shown.map((each) => `${each.name} ssh-ed25519 ${each.key.toString('base64')}\n`).join('')
        expect(parseShownKeys(text)).toEqual(shown)
      }),
    )
  })

  test('a line that is not whole is none, and the lines around it count', () => {
    const whole = 'web1 ssh-ed25519 AAAA\n'
    for (const bad of ['', 'web1', 'web1 ssh-ed25519', 'web1 ssh-ed25519 ', 'web1 ssh-ed25519 a*b'])
      expect(parseShownKeys(`${whole}${bad}\n${whole}`)).toHaveLength(2)
  })

  test('never throws, and gives no more keys than lines', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        expect(parseShownKeys(text).length).toBeLessThanOrEqual(text.split('\n').length)
      }),
    )
  })
})
