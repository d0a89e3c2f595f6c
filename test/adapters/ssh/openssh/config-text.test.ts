import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseEffective } from '../../../../src/adapters/ssh/openssh/answer.js'
import { configText, plainPath, questionText } from '../../../../src/adapters/ssh/openssh/config-text.js'
import { anyCharacter } from '../../../fixtures/any-character.js'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'deliver-config-text-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** What the ssh of this machine makes of a config. */
function effective(text: string, host = 'web1') {
  const file = join(directory, 'config')
  writeFileSync(file, text)
  return parseEffective(execFileSync('ssh', ['-G', '-F', file, host], { encoding: 'utf8', stdio: 'pipe' }))
}

const noter = '/tmp/noter'

/** All that a config file can hold, with what its readers stumble over more often than chance has it. */
const value = fc
  .array(
    fc.oneof(
      fc.constantFrom(' ', '"', "'", '\\', '#', '=', '%', '%h', '${HOME}', '~', '\t'),
      fc.string({ unit: anyCharacter, maxLength: 3 }),
    ),
  )
  .map((parts) => `/${parts.join('').replaceAll(/[\n\r\0]/g, '')}/x`)

describe('the config that ssh is given', () => {
  test('ssh reads each value as it was, whatever is in it', () => {
    fc.assert(
      fc.property(value, value, (first, last) => {
        const parts = {
          first: [['IdentityFile', plainPath(first)]] as const,
          includes: [],
          last: [
            ['IdentityFile', plainPath(last)],
            ['User', 'deploy'],
          ] as const,
        }
        const answer = effective(configText(parts, noter))
        expect(answer.get('identityfile')).toEqual([...new Set([plainPath(first), plainPath(last)])])
        expect(answer.get('user')).toEqual(['deploy'])
      }),
      { numRuns: 40 },
    )
  })

  test('a value of several lines is refused: it could be another setting', () => {
    for (const end of ['\n', '\r', '\0'])
      expect(() =>
        questionText({ first: [['User', `a${end}ProxyCommand x`]], includes: [], last: [] }),
      ).toThrow('more than one line')
  })

  test('files are included by their names, not by what these would match', () => {
    const names = ['plain', 'with space', 'a*b', 'a?b', '[ab]', 'back\\slash', 'quo"te', "it's", '#hash']
    for (const name of names) {
      const below = join(directory, 'includes', name)
      mkdirSync(below, { recursive: true })
      writeFileSync(join(below, 'config'), `HostName ${names.indexOf(name)}.example.com\n`)
    }
    for (const name of names) {
      const includes = [join(directory, 'includes', name, 'config')]
      expect(effective(questionText({ first: [], includes, last: [] })).get('hostname'), name).toEqual([
        `${names.indexOf(name)}.example.com`,
      ])
    }
  })

  test("the user's config changes nothing that is fixed, and its last block ends with it", () => {
    const own = join(directory, 'own')
    writeFileSync(
      own,
      [
        'ForwardAgent yes\nForwardX11 yes\nStrictHostKeyChecking no\nBatchMode no\nPermitLocalCommand yes\nLocalCommand id',
        'RemoteCommand id\nRequestTTY force\nControlMaster auto\nControlPath /tmp/theirs\nControlPersist 10m\nUpdateHostKeys yes',
        'LocalForward 8080 localhost:80\nUser theirs\nHost another\n Port 7',
      ].join('\n'),
    )
    const answer = effective(
      configText(
        {
          first: [],
          includes: [own],
          last: [
            ['Port', '23'],
            ['User', 'ours'],
          ],
        },
        noter,
      ),
    )
    const values = (keyword: string) => answer.get(keyword)
    expect(values('forwardagent')).toEqual(['no'])
    expect(values('forwardx11')).toEqual(['no'])
    expect(values('stricthostkeychecking')).toEqual(['true'])
    expect(values('batchmode')).toEqual(['yes'])
    expect(values('permitlocalcommand')).toEqual(['no'])
    expect(values('remotecommand')).toBeUndefined()
    expect(values('requesttty')).toEqual(['false'])
    expect(values('controlmaster')).toEqual(['false'])
    expect(values('controlpath')).toBeUndefined()
    expect(values('controlpersist')).toEqual(['no'])
    expect(values('updatehostkeys')).toEqual(['false'])
    expect(values('clearallforwardings')).toEqual(['yes'])
    expect(values('localforward')).toBeUndefined()
    expect(values('user')).toEqual(['theirs'])
    expect(values('port')).toEqual(['23'])
  })
})
