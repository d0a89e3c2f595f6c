import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeliverError } from '../../src/errors.js'
import { matchingHosts, selectHosts } from '../../src/plan/select.js'
import type { Host } from '../../src/ports.js'

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
      { numRuns: 2000 },
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
