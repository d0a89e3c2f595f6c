import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readConfigLines, splitArguments } from '../../../src/adapters/ssh/ssh-config-lines.js'
import { anyCharacter } from '../../fixtures/any-character.js'

describe('readConfigLines', () => {
  test.each([
    ['HostName web1', 'hostname', ['web1']],
    ['  HostName\tweb1  ', 'hostname', ['web1']],
    ['HostName=web1', 'hostname', ['web1']],
    ['HostName = web1', 'hostname', ['web1']],
    ['HostName "web1"', 'hostname', ['web1']],
    ['HOSTNAME web1 # the first', 'hostname', ['web1']],
    ['Host a b !c', 'host', ['a', 'b', '!c']],
    ['IdentityFile "~/my keys/id"', 'identityfile', ['~/my keys/id']],
    ['IdentityFile ~/my\\ keys/id', 'identityfile', ['~/my keys/id']],
    ['ProxyCommand ssh -W %h:%p "a b"', 'proxycommand', ['ssh', '-W', '%h:%p', 'a b']],
    ['HostName web1\r', 'hostname', ['web1']],
  ])('%j', (line, keyword, args) => {
    expect(readConfigLines(line, 'config').lines).toEqual([{ keyword, args, at: 'config:1' }])
  })

  test('comments and empty lines are nothing', () => {
    expect(readConfigLines('# a\n\n   # b\n \t\n', 'config')).toEqual({ lines: [], problems: [] })
  })

  test.each([
    ['HostName "web1', 'quote'],
    ['=', 'keyword'],
    ['HostName', 'no value'],
    ['HostName # x', 'no value'],
  ])('%j is a problem with its place', (line, reason) => {
    const { lines, problems } = readConfigLines(`Port 1\n${line}`, 'config')
    expect(lines).toHaveLength(1)
    expect(problems).toEqual([expect.stringMatching(/^config:2: /)])
    expect(problems[0]).toContain(reason)
  })

  test('never throws, and every line is read, ignored or a problem', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        const { lines, problems } = readConfigLines(text, 'f')
        expect(lines.length + problems.length).toBeLessThanOrEqual(2 * text.split('\n').length)
      }),
    )
  })
})

test('what is quoted comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: anyCharacter })), (words) => {
      const line = words.map((word) => `"${word.replace(/[\\"']/g, '\\$&')}"`).join(' ')
      expect(splitArguments(line)).toEqual(words)
    }),
  )
})
