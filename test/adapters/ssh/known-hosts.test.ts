import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fingerprint, judgeKey, knownHostsLine, knownKeyTypes } from '../../../src/adapters/ssh/host-key.js'
import type { KeyOwner } from '../../../src/adapters/ssh/host-key.js'
import { entriesFor, keyType, lookupName, parseKnownHosts } from '../../../src/adapters/ssh/known-hosts.js'
import { anyCharacter } from '../../fixtures/any-character.js'

/** A key in wire format of which only the type matters. */
function key(seed: string, type = 'ssh-ed25519'): Buffer {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  return Buffer.concat([field(Buffer.from(type)), field(Buffer.from(seed.padEnd(32, '.')))])
}

const line = (names: string, of = key('a')) => `${names} ${keyType(of)} ${of.toString('base64')}`
const owner = (name: string, port = 22, alias = false): KeyOwner => ({ name, port, alias })
const hashed = (name: string) => {
  const salt = Buffer.alloc(20, 7)
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}
const found = (text: string, name: string) =>
  entriesFor(parseKnownHosts(text, 'kh'), name).map(({ at }) => at)
const judged = (text: string, who: KeyOwner, shown: Buffer) =>
  judgeKey(parseKnownHosts(text, 'kh'), who, shown).kind

describe('parseKnownHosts', () => {
  test.each([
    ['web1', 'web1', true],
    ['web1', 'WEB1', true],
    ['WEB1', 'web1', true],
    ['web1', 'web12', false],
    ['web2,web1', 'web1', true],
    ['web*', 'web1', true],
    ['web*,!web1', 'web1', false],
    ['!web1,web*', 'web1', false],
    ['!web2', 'web1', false],
    ['[web1]:2222', '[web1]:2222', true],
    ['[web1]:2222', 'web1', false],
    ['web1', '[web1]:2222', false],
    ['[*]:2222', '[web1]:2222', true],
    ['10.0.0.?', '10.0.0.9', true],
    ['2001:db8::1', '2001:DB8::1', true],
    [hashed('web1'), 'web1', true],
    [hashed('web1'), 'web2', false],
    [hashed('[web1]:2222'), '[web1]:2222', true],
  ])('%s speaks for %s: %s', (names, name, speaks) => {
    expect(found(line(names), name)).toEqual(speaks ? ['kh:1'] : [])
  })

  test('comments, empty lines, tabs, spaces, carriage returns and trailing words are fine', () => {
    const text = `# c\n\n  ${line('web1')} comment here\r\n\t${line('web1').replaceAll(' ', '\t')}\n`
    expect(found(text, 'web1')).toEqual(['kh:3', 'kh:4'])
  })

  test.each([
    'web1',
    'web1 ssh-ed25519',
    'web1 ssh-ed25519 not*base64',
    `web1 ssh-rsa ${key('a').toString('base64')}`,
    `web1 ssh-ed25519 ${key('a').toString('base64').slice(0, 9)}`,
    `@unknown ${line('web1')}`,
    `|1|short|short ssh-ed25519 ${key('a').toString('base64')}`,
    `|2|${hashed('web1').slice(3)} ssh-ed25519 ${key('a').toString('base64')}`,
    `${hashed('web1')},web1 ssh-ed25519 ${key('a').toString('base64')}`,
    'web1 1024 35 1234567890',
  ])('%j speaks for nobody, and the lines around it count', (bad) => {
    const text = `${line('web0')}\n${bad}\n${line('web2')}`
    expect(found(text, 'web1')).toEqual([])
    expect(found(text, 'web0')).toEqual(['kh:1'])
    expect(found(text, 'web2')).toEqual(['kh:3'])
  })

  test('whatever the text, it never throws and never vouches for a key that is not in it', () => {
    const word = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 30 }),
      fc.constantFrom('web1', '*', 'ssh-ed25519', '@revoked', key('a').toString('base64'), hashed('web1')),
    )
    const text = fc
      .array(fc.array(word, { maxLength: 5 }).map((words) => words.join(' ')))
      .map((lines) => lines.join('\n'))
    fc.assert(
      fc.property(text, (content) => {
        expect(judged(content, owner('web1'), key('never listed'))).not.toBe('trusted')
        if (judged(content, owner('web1'), key('a')) === 'trusted')
          expect(content).toContain(key('a').toString('base64').replace(/=+$/, ''))
      }),
    )
  })
})

describe('judgeKey', () => {
  const a = key('a')
  const b = key('b')

  test.each([
    ['the listed key', line('web1', a), owner('web1'), a, 'trusted'],
    ['no line', '', owner('web1'), a, 'unknown'],
    ["another host's line", line('web2', a), owner('web1'), a, 'unknown'],
    ['another key', line('web1', b), owner('web1'), a, 'changed'],
    ['another type', line('web1', key('a', 'ssh-rsa')), owner('web1'), a, 'changed'],
    ['one of two keys', `${line('web1', b)}\n${line('web1', a)}`, owner('web1'), a, 'trusted'],
    ['revoked', `@revoked ${line('web1', a)}`, owner('web1'), a, 'revoked'],
    ['listed and revoked', `${line('web1', a)}\n@revoked ${line('*', a)}`, owner('web1'), a, 'revoked'],
    ['another key revoked', `@revoked ${line('*', b)}\n${line('web1', a)}`, owner('web1'), a, 'trusted'],
    ['only a revoked other key', `@revoked ${line('*', b)}`, owner('web1'), a, 'unknown'],
    ['only an authority', `@cert-authority ${line('*', b)}`, owner('web1'), a, 'unknown'],
    ["an authority's own key", `@cert-authority ${line('*', a)}`, owner('web1'), a, 'unknown'],
    ['a port, listed with it', line('[web1]:2222', a), owner('web1', 2222), a, 'trusted'],
    ['a port, listed without', line('web1', a), owner('web1', 2222), a, 'trusted'],
    ['a port, another key without', line('web1', b), owner('web1', 2222), a, 'unknown'],
    ['a port, another key with it', `${line('[web1]:2222', b)}`, owner('web1', 2222), a, 'changed'],
    ['a port, revoked without', `@revoked ${line('web1', a)}`, owner('web1', 2222), a, 'revoked'],
    ['an alias, whatever the port', line('alias', a), owner('alias', 2222, true), a, 'trusted'],
    ['an alias, listed with a port', line('[alias]:2222', a), owner('alias', 2222, true), a, 'unknown'],
  ] as const)('%s', (_name, text, who, shown, kind) => {
    expect(judged(text, who, shown)).toBe(kind)
  })

  test('a refusal for want of a line tells of the authority that might have helped', () => {
    const verdict = judgeKey(
      parseKnownHosts(`@cert-authority ${line('*.example.com')}`, 'kh'),
      owner('a.example.com'),
      a,
    )
    expect(verdict).toMatchObject({ kind: 'unknown', authority: { at: 'kh:1' } })
  })

  test('a learned line is trusted afterwards, and only for its host', () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        const who = owner(name, port)
        const text = knownHostsLine(who, a)
        expect(judged(text, who, a)).toBe('trusted')
        expect(judged(text, who, b)).toBe('changed')
        expect(judged(text, owner(`x${name}`, port), a)).toBe('unknown')
      }),
    )
  })
})

test('knownKeyTypes are those of the host, without authorities and revoked keys', () => {
  const text = [
    line('web1'),
    line('web2', key('x', 'ssh-rsa')),
    `@cert-authority ${line('*', key('x', 'ssh-dss'))}`,
  ].join('\n')
  expect(knownKeyTypes(parseKnownHosts(text, 'kh'), owner('web1'))).toEqual(['ssh-ed25519'])
  expect(knownKeyTypes(parseKnownHosts(text, 'kh'), owner('web2', 2222))).toEqual(['ssh-rsa'])
  expect(knownKeyTypes(parseKnownHosts(text, 'kh'), owner('web3'))).toEqual([])
})

const keygen = (() => {
  try {
    execFileSync('ssh-keygen', ['-F', 'nobody', '-f', '/dev/null'], { stdio: 'ignore' })
    return true
  } catch (error) {
    return error instanceof Error && 'status' in error && error.status === 1
  }
})()

describe.skipIf(!keygen)('agrees with ssh-keygen', () => {
  test('about hashed names and fingerprints', () => {
    const directory = mkdtempSync(join(tmpdir(), 'deliver-kh-'))
    try {
      const file = join(directory, 'known_hosts')
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'key')])
      const [type = '', encoded = ''] = readFileSync(join(directory, 'key.pub'), 'utf8').split(' ')
      const names = ['web1', 'web1.example.com', '[web1]:2222', '10.0.0.1', '[2001:db8::1]:22022']
      writeFileSync(file, names.map((name) => `${name} ${type} ${encoded}\n`).join(''))
      execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' })
      const text = readFileSync(file, 'utf8')
      expect(text).not.toContain('web1')
      names.forEach((name, index) => {
        expect(found(text, name)).toEqual([`kh:${index + 1}`])
        expect(execFileSync('ssh-keygen', ['-F', name, '-f', file]).toString()).toContain(`line ${index + 1}`)
      })
      const shown = execFileSync('ssh-keygen', ['-l', '-f', join(directory, 'key.pub')]).toString()
      expect(shown).toContain(fingerprint(Buffer.from(encoded, 'base64')))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

test.each([
  ['web1', 22, 'web1'],
  ['WEB1', 22, 'web1'],
  ['web1', 2222, '[web1]:2222'],
  ['::1', 2222, '[::1]:2222'],
])('lookupName %s %i is %s', (name, port, expected) => {
  expect(lookupName(name, port)).toBe(expected)
})
