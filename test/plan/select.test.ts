import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import {
  chooseHosts,
  isPartial,
  matchingHosts,
  selectHosts,
  stillChosen,
  type Selection,
} from '../../src/plan/select.js'
import type { Host } from '../../src/ports.js'
import { cases } from '../cases.js'

const host = (name: string, zone?: string): Host => ({
  name,
  address: name,
  labels: zone === undefined ? {} : { zone },
})
const fleet = [
  host('web1', 'eu-west-1a'),
  host('web2', 'eu-west-1b'),
  host('web10', 'eu-west-1a'),
  host('db.internal'),
]

describe('selecting hosts', () => {
  it.each<[readonly string[], readonly string[]]>([
    [[], ['web1', 'web2', 'web10', 'db.internal']],
    [['web1'], ['web1']],
    [['web*'], ['web1', 'web2', 'web10']],
    [['web?'], ['web1', 'web2']],
    [['*'], ['web1', 'web2', 'web10', 'db.internal']],
    [['zone=eu-west-1a'], ['web1', 'web10']],
    [['zone=*b'], ['web2']],
    [['db.internal,web2'], ['web2', 'db.internal']],
    [
      [' web2 , web1 ', 'web1'],
      ['web1', 'web2'],
    ],
  ])('%j gives %j', (patterns, expected) => {
    expect(selectHosts(fleet, patterns).map(({ name }) => name)).toEqual(expected)
  })

  it.each([
    ['nope'],
    ['web1,nope'],
    ['WEB1'],
    ['dbxinternal'],
    ['zone=eu'],
    ['__proto__=x'],
    ['web[12]'],
    [','],
    [''],
  ])('is an error that lists what there is when %j matches nothing', (pattern) => {
    let error: unknown
    try {
      selectHosts(fleet, [pattern])
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ kind: 'noHosts' })
    expect((error as DeliverError).fix).toContain('web1 (zone=eu-west-1a)')
  })

  it('says that the fleet is empty', () => {
    expect(() => selectHosts([], ['web1'])).toThrow(/empty/)
    expect(selectHosts([], [])).toEqual([])
  })

  it('agrees with a regular expression on globs', () => {
    const text = fc.stringMatching(/^[ab.]{1,8}$/)
    const pattern = fc.stringMatching(/^[ab.*?]{1,8}$/)
    fc.assert(
      fc.property(pattern, text, (glob, name) => {
        const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
        const attempt = (): unknown => selectHosts([host(name)], [glob])
        if (new RegExp(`^${source}$`).test(name)) expect(attempt()).toHaveLength(1)
        else expect(attempt).toThrow()
      }),
      { numRuns: cases(2000) },
    )
  })

  it('answers soon to a pattern made to be slow', () => {
    const started = performance.now()
    expect(() => selectHosts([host('a'.repeat(200))], [`${'*a'.repeat(100)}*b`])).toThrow()
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('a fleet that changes under way', () => {
  it.each([
    [['web*'], ['web1', 'web2']],
    [['web1,web9'], ['web1']],
    [['web9'], []],
    [[','], []],
  ])('%j: %j, and nobody is no error', (patterns, names) => {
    const hosts = ['web1', 'web2', 'db1'].map((name) => ({ name, address: name, labels: {} }))
    expect(matchingHosts(hosts, patterns).map(({ name }) => name)).toEqual(names)
  })
})

describe('--hosts and --limit together', () => {
  const names = (hosts: readonly Host[]): readonly string[] => hosts.map(({ name }) => name)

  it.each<[Selection, readonly string[]]>([
    [{}, ['web1', 'web2', 'web10', 'db.internal']],
    [{ limit: '2' }, ['web1', 'web2']],
    [{ limit: '9' }, ['web1', 'web2', 'web10', 'db.internal']],
    [{ hosts: 'zone=eu-west-1a', limit: '1' }, ['web1']],
    [{ hosts: 'web10,web2', limit: '1' }, ['web2']],
  ])('%j gives %j', (selection, expected) => {
    expect(names(chooseHosts(fleet, selection))).toEqual(expected)
    expect(isPartial(selection)).toBe(Object.keys(selection).length > 0)
  })

  it.each(['0', '-1', '1.5', '', '25%', 'two', '1e3', '9999999'])('--limit %j is refused', (limit) => {
    expect(() => chooseHosts(fleet, { limit })).toThrow('--limit')
  })

  it('a limit is not filled up by hosts that joined later', () => {
    const before = chooseHosts(fleet, { hosts: 'web*', limit: '2' })
    const now = [host('web0'), host('web2'), host('web3')]
    expect(names(stillChosen(now, { hosts: 'web*', limit: '2' }, before))).toEqual(['web2'])
    expect(names(stillChosen(now, { hosts: 'web*' }, before))).toEqual(['web0', 'web2', 'web3'])
    expect(names(stillChosen(now, {}, before))).toEqual(['web0', 'web2', 'web3'])
    expect(names(stillChosen([], { limit: '2' }, before))).toEqual([])
  })
})

describe('a slip is told what was meant', () => {
  const fleet = ['web1', 'web2', 'db1'].map((name) => ({ name, address: name, labels: { zone: 'a' } }))
  it.each([
    ['wbe1', 'Did you mean web1?'],
    ['zone=b', 'Did you mean zone=a?'],
    ['zne=a', 'Did you mean zone=a?'],
    ['mail*', 'There are: web1'],
    ['completely-else', 'There are: web1'],
  ])('%s: %s', (pattern, says) => {
    try {
      selectHosts(fleet, [pattern])
      expect.unreachable()
    } catch (error) {
      expect(error instanceof DeliverError ? error.fix : error).toMatch(
        new RegExp(`^${says.replace('?', '\\?')}`),
      )
    }
  })
})
