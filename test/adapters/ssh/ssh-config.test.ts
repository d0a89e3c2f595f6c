import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { askConfig } from '../../../src/adapters/ssh/ssh-config.js'
import type { ConfigQuestion } from '../../../src/adapters/ssh/ssh-config.js'
import { anyCharacter } from '../../fixtures/any-character.js'

function ask(text: string, over: Partial<ConfigQuestion> & { files?: Record<string, string> } = {}) {
  const { files = {}, ...rest } = over
  const answer = askConfig({
    host: 'web1',
    localUser: 'ann',
    configs: [{ file: 'config', text }],
    include: (pattern) => (files[pattern] === undefined ? [] : [{ file: pattern, text: files[pattern] }]),
    ...rest,
  })
  const values = Object.fromEntries(
    [...answer.values].map(([keyword, { args }]) => [keyword, args.join(' ')]),
  )
  return { values, identities: answer.identityFiles.map(({ args }) => args[0]), warnings: answer.warnings }
}

describe('askConfig', () => {
  test('the first value wins, also over a later and closer match', () => {
    expect(ask('Host *\n User a\nHost web1\n User b\n Port 2').values).toEqual({ user: 'a', port: '2' })
  })

  test('lines before any Host apply to all', () => {
    expect(ask('User a').values).toEqual({ user: 'a' })
  })

  test.each([
    ['Host web1', true],
    ['Host web2', false],
    ['Host web*', true],
    ['Host web2 web1', true],
    ['Host web* !web1', false],
    ['Host !web2', false],
    ['Match all', true],
    ['Match host web1', true],
    ['Match host web2,web1', true],
    ['Match host web*,!web1', false],
    ['Match !host web1', false],
    ['Match !host web2', true],
    ['Match originalhost web1', true],
    ['Match user ann', true],
    ['Match user root', false],
    ['Match localuser ann', true],
    ['Match host web1 user root', false],
    ['Match host=web1', true],
    ['Match final', true],
    ['Match canonical', false],
    ['Match !canonical', true],
  ])('%s applies: %s', (block, applies) => {
    expect(ask(`${block}\n Port 7`).values['port']).toBe(applies ? '7' : undefined)
  })

  test('Match user means the user that will log in', () => {
    expect(ask('Match user deploy\n Port 7', { user: 'deploy' }).values['port']).toBe('7')
    expect(ask('User deploy\nMatch user deploy\n Port 7').values['port']).toBe('7')
  })

  test('Match host sees the HostName so far, originalhost what was asked for', () => {
    const text =
      'Host web1\n HostName 10.0.0.1\nMatch host 10.0.0.1\n Port 7\nMatch originalhost web1\n User u'
    expect(ask(text).values).toEqual({ hostname: '10.0.0.1', port: '7', user: 'u' })
  })

  test('Match final is read after all else, and does not override it', () => {
    const text =
      'Match final\n User late\n Port 9\nHost web1\n User early\n HostName %h.example.com\nMatch final host *.example.com\n HostKeyAlias x'
    expect(ask(text).values).toEqual({
      user: 'early',
      hostname: '%h.example.com',
      port: '9',
      hostkeyalias: 'x',
    })
  })

  test.each([
    'Match exec "touch /tmp/x"',
    'Match !exec false',
    'Match tagged x',
    'Match host web1 exec true',
  ])('%s is never met, and a warning says so', (block) => {
    const { values, warnings } = ask(`${block}\n Port 7`)
    expect(values).toEqual({})
    expect(warnings).toEqual([expect.stringMatching(/^config:1: Match (exec|tagged) is not supported/)])
  })

  test.each(['Match', 'Host', 'Match user', 'Host "web1', 'Match all "'])(
    '%s matches nothing, and ends the block before',
    (block) => {
      expect(ask(`Host web1\n User u\n${block}\n Port 7`)).toMatchObject({
        values: { user: 'u' },
        warnings: [expect.stringMatching(/^config:3: /)],
      })
    },
  )

  test('all identity files are kept, in order', () => {
    expect(
      ask('IdentityFile a\nHost web1\n IdentityFile b\n IdentityFile a\nHost other\n IdentityFile c')
        .identities,
    ).toEqual(['a', 'b'])
  })

  test('of ProxyJump and ProxyCommand the first one wins', () => {
    expect(ask('ProxyJump none\nProxyCommand nc %h %p').values).toEqual({ proxyjump: 'none' })
    expect(ask('ProxyCommand none\nProxyJump b').values).toEqual({ proxycommand: 'none' })
  })

  test('keywords without meaning here are ignored', () => {
    expect(
      ask('ForwardAgent yes\nRemoteCommand rm\nPermitLocalCommand yes\nLocalCommand id\nSendEnv *'),
    ).toEqual({
      values: {},
      identities: [],
      warnings: [],
    })
  })

  describe('Include', () => {
    test('is read in place', () => {
      expect(ask('Include a\nPort 2', { files: { a: 'Port 1' } }).values).toEqual({ port: '1' })
    })

    test('inside a block counts for that block only', () => {
      const files = { a: 'Port 1\nHost web1\n User u\nHost *\n HostKeyAlias k' }
      expect(ask('Host other\n Include a', { files }).values).toEqual({})
      expect(ask('Host web1\n Include a', { files }).values).toEqual({
        port: '1',
        user: 'u',
        hostkeyalias: 'k',
      })
    })

    test('leaves the block that it stands in as it was', () => {
      expect(ask('Host web1\n Include a\n User u', { files: { a: 'Host other\n Port 1' } }).values).toEqual({
        user: 'u',
      })
    })

    test('of itself ends, with a warning', () => {
      const { values, warnings } = ask('Include a', { files: { a: 'Include a\nPort 3' } })
      expect(values).toEqual({ port: '3' })
      expect(warnings).toEqual([expect.stringContaining('nested more than')])
    })

    test('of itself, twice per file, ends soon', () => {
      const { warnings } = ask('Include a', { files: { a: 'Include a\nInclude a' } })
      expect(warnings).toContainEqual(expect.stringContaining('more than 1000 files'))
    })

    test('of nothing is fine', () => {
      expect(ask('Include nothing\nPort 2').values).toEqual({ port: '2' })
    })
  })

  test('never throws, whatever the text', () => {
    const keyword = fc.constantFrom(
      'Host',
      'Match',
      'Include',
      'HostName',
      'IdentityFile',
      'Port',
      'ProxyJump',
      '',
    )
    const line = fc
      .tuple(keyword, fc.string({ unit: anyCharacter, maxLength: 20 }))
      .map((parts) => parts.join(' '))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const text = lines.join('\n')
        expect(() =>
          ask(text, {
            include: () => [{ file: 'again', text }],
            configs: [{ file: 'c', text: lines.slice(0, 2).join('\n') }],
          }),
        ).not.toThrow()
      }),
      { numRuns: 30 },
    )
  })
})
