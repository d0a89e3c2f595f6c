import { describe, expect, test } from 'vitest'
import type { CheckFacts, HostLook, LockFacts, Looked } from '../../src/check/facts.js'
import type { Finding } from '../../src/check/finding.js'
import { isWithoutHosts, judge } from '../../src/check/judge.js'
import type { HostCheck } from '../../src/remote/check-readings.js'

const seen = <T>(value: T): Looked<T> => ({ kind: 'seen', value })
const noon = Date.UTC(2026, 0, 1, 12)

const host: HostCheck = {
  version: '1',
  path: '/srv/api',
  hostname: 'web1',
  clock: noon,
  user: { id: 1000, name: 'deploy' },
  current: { kind: 'release', release: 'v1' },
  good: ['v1'],
  releases: [],
  fence: 1,
  freeBytes: 5e9,
  freeInodes: 1e6,
  tools: new Set(['zstd', 'gzip']),
  guardSurvives: 'reboot',
  problems: [],
  service: { active: true, cwd: '/srv/api/releases/v1', release: 'v1' },
  unit: { place: 'current', stale: false, atBoot: true },
  leftovers: [],
  sharedMissing: [],
  sharedElsewhere: false,
}

function look(change: Partial<HostCheck> = {}, about: Partial<HostLook> = {}): HostLook {
  return { host: 'web1', looked: seen({ ...host, ...change }), asked: noon, answered: noon + 500, ...about }
}

const lock: LockFacts = { id: 'l1', holder: 'alice@ci', state: 'released', fence: 7, changed: [] }
const current = {
  release: 'v1',
  generation: 3,
  movedAt: 'noon',
  movedBy: 'alice@ci',
  published: true,
  missing: [],
}

const well: CheckFacts = {
  config: seen({
    app: 'api',
    environment: 'production',
    sections: new Set(['store', 'fleet', 'target', 'service', 'health'] as const),
    format: 'tar.zst',
    guarded: true,
    prunesStore: true,
  }),
  git: seen({ version: '2.39.5', branch: 'main', commit: 'a'.repeat(40), changed: 0 }),
  tools: { node: 'v20.1.0', zstd: true },
  store: { name: 's3://builds', steps: [{ step: 'put' }], unfinished: [] },
  lock: seen(lock),
  pointer: seen({ current, alias: seen({ name: 's3://builds/api.tar', holds: true }) }),
  fleet: seen({ name: 'the group api', hosts: 1, desired: 1, pending: 0, leftOut: [] }),
  hosts: [look()],
}

const isOff = ({ level }: Finding): boolean => level !== 'ok'
/** `level where: text` of what is not well. */
function off(change: Partial<CheckFacts>): readonly string[] {
  return judge({ ...well, ...change })
    .filter(isOff)
    .map(({ level, area, host: name, text }) => `${level} ${name ?? area}: ${text}`)
}
const ofHost = (change: Partial<HostCheck>, about: Partial<HostLook> = {}) =>
  off({ hosts: [look(change, about)] })
const config = (change: object): Partial<CheckFacts> =>
  well.config.kind === 'seen' ? { config: seen({ ...well.config.value, ...change }) } : {}
const trouble = { kind: 'precondition', what: 'not allowed', fix: 'Allow it.' } as const

test('where all is well nothing is found, and each area says so', () => {
  expect(off({})).toEqual([])
  expect(new Set(judge(well).map(({ area }) => area))).toEqual(
    new Set(['config', 'git', 'tools', 'store', 'lock', 'pointer', 'fleet', 'host']),
  )
})

test('whatever is not well comes with what to do about it', () => {
  const all: Partial<CheckFacts>[] = [
    { lock: seen({ ...lock, state: 'dead', changed: ['standby api i-1'] }) },
    { pointer: seen({ current: { ...current, published: false, missing: ['a'] } }) },
    { tools: { node: 'v18.0.0', zstd: false } },
    {
      fleet: seen({
        name: 'g',
        hosts: 0,
        pending: 0,
        leftOut: [{ name: 'i-1', because: 'x', standby: true }],
      }),
    },
    config({ sections: new Set() }),
    {
      hosts: [
        look({
          leftovers: ['incoming/a'],
          altered: 'x',
          guardSurvives: 'session',
          guardEnds: 'boot',
          freeBytes: 1,
        }),
      ],
    },
  ]
  for (const change of all) {
    const found = judge({ ...well, ...change }).filter(isOff)
    expect(found.length).toBeGreaterThan(0)
    for (const { text, fix } of found) expect(fix, text).toMatch(/\S/)
  }
})

test('a fleet that a deploy would take for an outage is a problem', () => {
  const tooSmall = { kind: 'precondition', what: 'only 2 host(s) in service', fix: '--expect 2' } as const
  const fleet = seen({ name: 'the group api', hosts: 2, desired: 2, pending: 0, leftOut: [], tooSmall })
  expect(off({ fleet })).toEqual(['problem fleet: only 2 host(s) in service'])
})

test('a migration that began and never ended is told, unless a deploy is at it', () => {
  const begun = seen([{ release: 'v2', host: 'web1', at: 'noon', by: 'ci' }])
  const text = 'a migration to v2 was begun on web1 at noon by ci, and how it ended is not known'
  expect(off({ begun })).toEqual([`warning lock: ${text}`])
  expect(off({ begun, lock: seen({ ...lock, state: 'held' }) }).join()).not.toContain('migration')
})

test('what a deploy would refuse a host for is a problem, with what to do', () => {
  const refusals = [
    { because: 'sshd forbids it', fix: 'Allow it.' },
    { because: 'fenced out', fix: 'rm it' },
  ]
  expect(ofHost({}, { refusals })).toEqual(['problem web1: sshd forbids it', 'problem web1: fenced out'])
})

test('one thing that can’t be looked at hides no other', () => {
  const failed = { kind: 'failed', trouble } as const
  const found = off({
    git: failed,
    lock: failed,
    pointer: failed,
    fleet: failed,
    hosts: [look({}, { looked: failed })],
  })
  expect(found).toEqual(
    ['git', 'lock', 'pointer', 'fleet', 'web1'].map((where) => `problem ${where}: not allowed`),
  )
})

test('a config that can’t be read leaves the rest of this machine to be told', () => {
  const found = judge({ config: { kind: 'failed', trouble }, git: well.git, tools: well.tools, hosts: [] })
  expect(found.map(({ level, area }) => `${level} ${area}`)).toEqual([
    'problem config',
    ...['git', 'git', 'git', 'tools'].map((area) => `ok ${area}`),
  ])
})

describe('here', () => {
  test.each([
    [config({ sections: new Set(['fleet', 'target', 'service', 'health']) }), 'problem config: no store'],
    [config({ sections: new Set(['store', 'fleet', 'target', 'health']) }), 'warning config: no service'],
    [config({ sections: new Set(['store', 'fleet', 'target', 'service']) }), 'warning config: no health'],
    [
      { git: seen({ version: '2', commit: 'b'.repeat(40), changed: 2 }) },
      'warning git: 2 changed files not committed',
    ],
    [
      { git: seen({ version: '2', commit: 'b', changed: 0, noTags: 'denied' }) },
      'problem git: no tag can be made: denied',
    ],
    [{ tools: { node: 'v18.19.0', zstd: true } }, 'problem tools: node v18.19.0 is too old'],
    [{ tools: { node: 'v20.0.0', zstd: false } }, 'problem tools: archive.format is tar.zst'],
  ] satisfies [Partial<CheckFacts>, string][])('%#', (change, wanted) => {
    expect(off(change)).toEqual([expect.stringContaining(wanted)])
  })

  test('zstd is nobody’s business when archives are not of it', () => {
    expect(off({ ...config({ format: 'tar.gz' }), tools: { node: 'v22.0.0', zstd: false } })).toEqual([])
  })
})

describe('the store', () => {
  const store = (...steps: NonNullable<CheckFacts['store']>['steps']): Partial<CheckFacts> => ({
    store: { name: 's3://builds', steps, unfinished: [] },
  })
  test.each([
    [store({ step: 'put', trouble }), ['problem store: not allowed']],
    [store({ step: 'refuse', wrong: 'overwritten' }), ['problem store: s3://builds: overwritten']],
    [store({ step: 'delete', trouble }), ['problem store: not allowed']],
    [
      { ...store({ step: 'delete', trouble }), ...config({ prunesStore: false }) },
      ['warning store: not allowed'],
    ],
    [store({ step: 'uploads', trouble }), ['warning store: not allowed']],
    // One missing right makes several things fail.
    [store({ step: 'put', trouble }, { step: 'write', trouble }), ['problem store: not allowed']],
    [
      store(
        { step: 'put', trouble },
        { step: 'list', trouble: { ...trouble, what: 'no list', fix: 'Allow that.' } },
      ),
      ['problem store: not allowed', 'problem store: no list'],
    ],
  ] satisfies [Partial<CheckFacts>, string[]][])('%#', (change, wanted) => {
    expect(off(change)).toEqual(wanted)
  })

  test('what keeps everything in it from being read is told once', () => {
    const failed = { kind: 'failed', trouble } as const
    expect(off({ ...store({ step: 'put', trouble }), lock: failed, pointer: failed })).toEqual([
      'problem store: not allowed',
    ])
  })

  test('uploads that never ended can be ended', () => {
    const found = judge({
      ...well,
      store: { name: 's', steps: [], unfinished: ['a', 'b', 'c', 'd'] },
    }).filter(isOff)
    expect(found).toMatchObject([{ level: 'warning', repair: 'uploads' }])
    expect(found[0]?.text).toContain('a, b, c and 1 more')
  })
})

describe('the lock', () => {
  const repairs = (change: Partial<LockFacts>) =>
    judge({ ...well, lock: seen({ ...lock, ...change }) })
      .filter(isOff)
      .map(({ level, repair }) => [level, repair])
  test.each([
    [{}, []],
    [{ state: 'held' }, [['warning', undefined]]],
    [{ state: 'dead' }, [['warning', 'lock']]],
    [{ changed: ['standby api i-1'] }, [['problem', 'changes']]],
    [
      { state: 'dead', changed: ['standby api i-1'] },
      [
        ['warning', 'lock'],
        ['problem', 'changes'],
      ],
    ],
    // It is at it: what is changed now it will undo itself.
    [{ state: 'held', changed: ['standby api i-1'] }, [['warning', undefined]]],
  ] satisfies [Partial<LockFacts>, unknown][])('%j', (change, wanted) => {
    expect(repairs(change)).toEqual(wanted)
  })
})

describe('the pointer', () => {
  test.each([
    [{}, []],
    [
      { current: { ...current, published: false } },
      ['problem pointer: it names v1, which the store has not'],
    ],
    [
      { current: { ...current, missing: ['api/x'] } },
      ['problem pointer: it names v1, and the store lacks api/x'],
    ],
    [
      { current, alias: seen({ name: 'api.tar', holds: false }) },
      ['problem pointer: api.tar has something else than v1'],
    ],
  ] satisfies [object, string[]][])('%#', (pointer, wanted) => {
    const found = off({ pointer: seen(pointer), hosts: [] })
    expect(found).toHaveLength(wanted.length)
    for (const [at, text] of wanted.entries()) expect(found[at]).toContain(text)
  })
})

describe('the fleet', () => {
  const fleet = { name: 'the group api', hosts: 2, desired: 2, pending: 0, leftOut: [] }
  const standby = [{ name: 'i-1', because: 'it is in standby', standby: true }]
  test.each([
    [{ ...fleet, hosts: 0 }, 'problem fleet: the group api: no hosts'],
    [
      { ...fleet, desired: 5, pending: 1 },
      'warning fleet: the group api: 2 hosts in service, 5 wanted, 1 more',
    ],
    [{ ...fleet, leftOut: standby }, 'warning fleet: i-1 gets no traffic'],
    [
      { ...fleet, leftOut: [{ name: 'i-2', because: 'unhealthy', standby: false }] },
      'warning fleet: i-2 is not deployed to',
    ],
  ])('%#', (facts, wanted) => {
    expect(off({ fleet: seen(facts) })).toEqual([expect.stringContaining(wanted)])
  })

  test('an instance that our own run left in standby is told once, as ours', () => {
    const found = off({
      fleet: seen({ ...fleet, leftOut: standby }),
      lock: seen({ ...lock, changed: ['standby api i-1'] }),
    })
    expect(found).toEqual(['problem lock: alice@ci left undone: standby api i-1'])
  })

  test('nobody to deploy to is told apart from problems', () => {
    expect(isWithoutHosts(well)).toBe(false)
    expect(isWithoutHosts({ ...well, fleet: seen({ ...fleet, hosts: 0 }) })).toBe(true)
    expect(
      isWithoutHosts({ ...well, fleet: { kind: 'failed', trouble: { ...trouble, kind: 'noHosts' } } }),
    ).toBe(true)
    expect(isWithoutHosts({ ...well, fleet: { kind: 'failed', trouble } })).toBe(false)
  })
})

describe('a host', () => {
  const none = { kind: 'none' } as const
  const unit = { place: 'current', stale: false, atBoot: true } as const
  test.each([
    [{ problems: [{ code: 'sudo', text: 'no right' }] }, ['problem web1: no right']],
    [
      { current: { kind: 'foreign', what: 'a file' }, problems: [{ code: 'current', text: 'a file' }] },
      ['problem web1: a file'],
    ],
    [{ current: { kind: 'release', release: 'v0' }, service: {} }, ['warning web1: current is v0, not v1']],
    [{ current: none, service: {} }, ['warning web1: current is nothing, not v1']],
    [{ unconfirmed: { id: 'x', release: 'v1' } }, ['problem web1: v1 is on trial']],
    [{ sudoPassword: '/usr/bin/x' }, ['problem web1: sudo allows the restart']],
    [{ altered: 'server.js' }, ['warning web1: v1 is not what was deployed: server.js']],
    [{ tools: new Set(['gzip']) }, ['warning web1: no zstd: releases are sent to it as gzip']],
    [{ tools: new Set<string>() }, ['warning web1: no gzip: releases are sent to it uncompressed']],
    [
      { guardSurvives: 'session', guardEnds: 'boot' },
      ['warning web1: a switch that nobody confirms would not'],
    ],
    [{ guardSurvives: 'none', guardEnds: 'boot' }, ['warning web1: a switch that nobody confirms may not']],
    // Chosen so, or an agent that doesn't tell.
    [{ guardSurvives: 'session', guardEnds: 'off' }, []],
    [{ guardSurvives: undefined }, []],
    [{ foreignOwner: 'releases/v1/x belongs to root' }, ['warning web1: not all files are the login']],
    [{ sharedMissing: ['.env'] }, ['warning web1: shared/.env is not there']],
    [{ sharedElsewhere: true }, ['warning web1: shared/ is on another file system']],
    [{ leftovers: ['incoming/v2.a'] }, ['warning web1: 1 leftover of steps']],
    [{ unit: { ...unit, place: 'release' } }, ['problem web1: its unit starts one release']],
    [{ unit: { ...unit, stale: true } }, ['warning web1: its unit file was changed']],
    [{ unit: { ...unit, atBoot: false } }, ['warning web1: its unit is not enabled']],
    // A script may go to the right place: what runs there proves it.
    [{ unit: { ...unit, place: 'elsewhere' } }, []],
    [{ unit: { ...unit, place: 'elsewhere' }, service: {} }, ['warning web1: its unit names neither']],
    [
      { unit: undefined, service: { active: true, cwd: '/opt/api' } },
      ['problem web1: its process runs in /opt/api'],
    ],
    [{ unit: undefined, service: {} }, []],
    [{ service: { active: false, state: 'failed' } }, ['warning web1: its service does not run (failed)']],
    [
      { service: { active: true, cwd: '/srv/api/releases/v0', release: 'v0' } },
      ['warning web1: its process still runs v0'],
    ],
  ] as [Partial<HostCheck>, string[]][])('%j', (change, wanted) => {
    expect(ofHost(change)).toEqual(wanted.map((text): unknown => expect.stringContaining(text)))
  })

  test('what its agent says to do is told apart from what is', () => {
    const told = (code: string, text: string) =>
      judge({ ...well, hosts: [look({ problems: [{ code, text }] })] })
        .filter(isOff)
        .map((finding) => [finding.text, finding.fix])
    expect(told('sudo', 'no right: sudo refuses. Add with visudo: deploy ALL')).toEqual([
      ['no right: sudo refuses', 'Add with visudo: deploy ALL'],
    ])
    expect(told('no-space', 'disk full')).toEqual([['disk full', expect.stringContaining('target.keep')]])
  })

  test('its clock may differ by a minute, whatever the way there takes', () => {
    const minute = 60_000
    for (const clock of [noon - minute, noon + minute]) expect(ofHost({ clock })).toEqual([])
    expect(ofHost({ clock: noon - 2 * minute })).toEqual([expect.stringContaining('119 s behind')])
    expect(ofHost({ clock: noon + 2 * minute + 500 })).toEqual([expect.stringContaining('120 s ahead')])
    // A slow look is no skew.
    expect(ofHost({ clock: noon }, { asked: noon - minute, answered: noon + 5 * minute })).toEqual([])
  })

  test('another server at its address is all there is to say', () => {
    const instance = 'i-0123456789abcdef0'
    const other = { instance: 'i-0fedcba9876543210', leftovers: ['x'] }
    expect(ofHost(other, { instance })).toEqual([
      'problem web1: its address leads to i-0fedcba9876543210, not to i-0123456789abcdef0',
    ])
    expect(ofHost({ instance }, { instance })).toEqual([])
    // Images of clouds with ids of other kinds.
    expect(ofHost({ instance: 'nocloud' }, { instance })).toEqual([])
  })

  test('what a deploy that is under way does to it is no finding', () => {
    const busy = { leftovers: ['incoming/v2.a'], unconfirmed: { id: 'x', release: 'v2' }, service: {} }
    const found = off({ lock: seen({ ...lock, state: 'held' }), hosts: [look(busy)] })
    expect(found).toEqual([expect.stringMatching(/^warning lock/)])
  })

  test('before the first deploy it runs nothing, and that is well', () => {
    const hosts = [look({ current: none, service: {} })]
    expect(off({ pointer: seen({}), hosts })).toEqual([])
  })

  test('without a service or a guard these are not asked about', () => {
    expect(off({ ...config({ guarded: false }), hosts: [look({ guardSurvives: 'none' })] })).toEqual([])
    const sections = new Set(['store', 'fleet', 'target', 'health'])
    expect(off({ ...config({ sections }), hosts: [look({ service: { active: false } })] })).toEqual([
      expect.stringMatching(/^warning config/),
    ])
  })
})
