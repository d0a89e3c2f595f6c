import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseGivenKeys } from '../../../src/adapters/ssh/given-keys.js'
import { judgeKey } from '../../../src/adapters/ssh/host-key.js'
import type { KeyOwner } from '../../../src/adapters/ssh/host-key.js'
import { sshString } from '../../../src/adapters/ssh/openssh/packet.js'
import { anyCharacter } from '../../fixtures/any-character.js'

const keyOf = (seed: string, type = 'ssh-ed25519'): Buffer =>
  Buffer.concat([sshString(type), sshString(seed.padEnd(32, '.'))])
const bare = (seed: string, type = 'ssh-ed25519'): string => `${type} ${keyOf(seed, type).toString('base64')}`
const web1: KeyOwner = { name: 'web1', port: 22, alias: false }
const keys = (text: string, owner = web1) => parseGivenKeys(text, owner).map(({ key }) => key)

describe('parseGivenKeys', () => {
  test('lines of a .pub file, with and without a comment, of all types', () => {
    const ecdsa = 'ecdsa-sha2-nistp256'
    const text = `${bare('a')} root@web1\n  ${bare('b', 'ssh-rsa')}\r\n# a remark\n\n${bare('c', ecdsa)}`
    expect(keys(text)).toEqual([keyOf('a'), keyOf('b', 'ssh-rsa'), keyOf('c', ecdsa)])
  })

  test('lines of known_hosts count for the host that they name', () => {
    expect(keys(`web1 ${bare('a')}\nweb2 ${bare('b')}\n* ${bare('c')}`)).toEqual([keyOf('a'), keyOf('c')])
    const other: KeyOwner = { name: 'web1', port: 2222, alias: false }
    expect(keys(`web1 ${bare('a')}\n[web1]:2222 ${bare('b')}\n${bare('c')}`, other)).toEqual([
      keyOf('b'),
      keyOf('c'),
    ])
  })

  test.each(['ssh-gateway.example.com', 'sk-1', 'ecdsa-', 'ssh-rsa'])(
    'a host whose name looks like a type of keys is a host: %s',
    (name) => {
      const owner: KeyOwner = { name, port: 22, alias: false }
      expect(keys(`${name} ${bare('a')}\nsk-2 ${bare('b')}`, owner)).toEqual([keyOf('a')])
    },
  )

  test('an authority and a revoked key are what their lines say', () => {
    const given = parseGivenKeys(
      `@cert-authority * ${bare('a')}\n@revoked web1 ${bare('b')}\n${bare('b')}`,
      web1,
    )
    expect(given.map(({ marker }) => marker)).toEqual(['cert-authority', 'revoked', undefined])
    expect(judgeKey(given, web1, keyOf('b')).kind).toBe('revoked')
    expect(judgeKey(given, web1, keyOf('a')).kind).toBe('changed')
  })

  test.each([
    'ssh-ed25519',
    'ssh-ed25519 AAAA',
    `ssh-rsa ${keyOf('a').toString('base64')}`,
    `@revoked ${bare('a')}`,
    `|1|a|b ${bare('a')}`,
  ])('%j is no key', (line) => {
    expect(keys(line)).toEqual([])
  })

  test('never throws, and never vouches for a key that is not in the answer', () => {
    const word = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 20 }),
      fc.constantFrom(
        'web1',
        '*',
        '!web1',
        '@cert-authority',
        '@revoked',
        'ssh-ed25519',
        '#',
        bare('a'),
        keyOf('b').toString('base64'),
      ),
    )
    const answer = fc
      .array(fc.array(word, { maxLength: 5 }).map((words) => words.join(' ')))
      .map((lines) => lines.join('\n'))
    fc.assert(
      fc.property(answer, (text) => {
        const verdict = judgeKey(parseGivenKeys(text, web1), web1, keyOf('b'))
        if (verdict.kind === 'trusted') expect(text).toContain(keyOf('b').toString('base64'))
        expect(judgeKey(parseGivenKeys(text, web1), web1, keyOf('stranger')).kind).not.toBe('trusted')
      }),
    )
  })
})
