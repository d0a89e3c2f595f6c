import { describe, expect, test } from 'vitest'
import { formatPath } from '../../src/config/problems.js'
import { resolveConfig } from '../../src/config/resolve.js'
import type { Override } from '../../src/config/overrides.js'

interface Given {
  readonly environment?: string
  readonly overrides?: readonly Override[]
}

const resolve = (exported: unknown, { environment, overrides = [] }: Given = {}) =>
  resolveConfig({ exported, environment, overrides })

function valid(config: object, given?: Given) {
  const { config: value, problems } = resolve({ app: 'api', ...config }, given)
  expect(problems).toEqual([])
  return value
}

function problems(config: object, given?: Given): readonly string[] {
  const resolved = resolve({ app: 'api', ...config }, given)
  expect(resolved.config).toBeUndefined()
  return resolved.problems.map(({ path, text }) => `${formatPath(path)}: ${text}`)
}

test('defaults', () => {
  expect(valid({})).toEqual({
    app: 'api',
    environment: 'production',
    build: { env: { NODE_ENV: 'production' }, cache: { kind: 'auto' }, timeout: 1_800_000, keep: 3 },
    archive: { format: 'tar.zst' },
    ssh: {
      config: '~/.ssh/config',
      agent: true,
      client: 'auto',
      retries: 3,
      concurrency: 'auto',
    },
    rollout: {
      confirm: [],
      strategy: 'rolling',
      batch: [{ count: 1 }],
      spread: 'zone',
      maxFailures: { count: 0 },
      allowUnreachable: 0,
      onFailure: 'rollback',
      pause: 0,
      drain: { kind: 'none' },
      drainTimeout: 600_000,
    },
    boot: { fetch: { kind: 'role' }, retryFor: 600_000 },
  })
  expect(
    valid({
      target: { path: '/srv/api/', shared: ['log/'] },
      service: { systemd: 'api' },
      health: { tcp: 80 },
    }),
  ).toMatchObject({
    target: { path: '/srv/api', keep: 5, shared: ['log'], verify: 'changed', prepare: true },
    service: { timeout: 60_000 },
    health: { successes: 2, minUptime: 10_000, interval: 1000, timeout: 5000, deadline: 60_000 },
  })
})

test.each([
  ['role', { kind: 'role' }],
  ['presigned', { kind: 'presigned' }],
  [{ url: 'https://a/b' }, { kind: 'url', url: 'https://a/b' }],
])('boot.fetch %j', (fetch, expected) => {
  expect(valid({ boot: { fetch } })).toMatchObject({ boot: { fetch: expected } })
})

describe('the ways to write a section become one', () => {
  test.each([
    [{ systemd: 'api' }, { kind: 'systemd', unit: 'api', user: false }],
    [{ systemd: { unit: 'api', user: true } }, { kind: 'systemd', unit: 'api', user: true }],
    [{ upstart: 'api' }, { kind: 'upstart', job: 'api' }],
    [{ pm2: 'api' }, { kind: 'pm2', name: 'api' }],
    [{ pm2: { name: 'api', start: 'x' } }, { kind: 'pm2', name: 'api', start: 'x' }],
    [{ restart: 'r' }, { kind: 'command', restart: 'r' }],
    [
      { restart: 'r', stop: 's' },
      { kind: 'command', restart: 'r', stop: 's' },
    ],
  ])('service %j', (service, manager) => {
    expect(valid({ service })?.service?.manager).toEqual(manager)
  })

  const url = 'http://localhost:3000/health'
  test.each([
    [{ http: url }, { kind: 'http', url, status: [200], headers: {} }],
    [
      { http: { url, status: 204, headers: { Host: 'a' } } },
      { kind: 'http', url, status: [204], headers: { Host: 'a' } },
    ],
    [
      { http: { url, release: { header: 'X-Release' }, contains: 'ok' } },
      {
        kind: 'http',
        url,
        status: [200],
        headers: {},
        release: { header: 'X-Release' },
        contains: 'ok',
      },
    ],
    [
      { http: { url, release: { body: true } } },
      { kind: 'http', url, status: [200], headers: {}, release: { body: true } },
    ],
    [{ tcp: 3000 }, { kind: 'tcp', host: '127.0.0.1', port: 3000 }],
    [{ tcp: { host: '::1', port: 3000 } }, { kind: 'tcp', host: '::1', port: 3000 }],
    [{ command: 'true' }, { kind: 'command', command: 'true' }],
  ])('health %j', (health, check) => {
    expect(valid({ health })?.health?.check).toEqual(check)
  })

  test('one key file or several', () => {
    expect(valid({ ssh: { identityFile: 'a' } })?.ssh.identityFile).toEqual(['a'])
    expect(valid({ ssh: { identityFile: ['a', 'b'], config: false } })?.ssh).toMatchObject({
      identityFile: ['a', 'b'],
      config: false,
    })
  })

  test('a fleet of hosts, or a function', () => {
    const fleet = () => ['web1']
    expect(valid({ fleet })?.fleet).toBe(fleet)
    expect(valid({ fleet: { hosts: ['web1', { host: '::1', name: 'web2' }] } })?.fleet).toEqual({
      hosts: ['web1', { host: '::1', name: 'web2' }],
    })
  })
})

describe('a fleet of Auto Scaling groups', () => {
  const autoscaling = (more: object) => valid({ fleet: { autoscaling: more } })?.fleet

  test('has defaults', () => {
    expect(autoscaling({ groups: 'api' })).toEqual({
      autoscaling: {
        groups: { names: ['api'] },
        address: 'private',
        states: ['InService'],
        filters: {},
        bootTimeout: 600_000,
      },
    })
  })

  test.each<readonly [unknown, object]>([
    [['a', 'b c'], { names: ['a', 'b c'] }],
    [{ app: 'api', stage: 'prod' }, { tags: { app: 'api', stage: 'prod' } }],
  ])('groups %j', (groups, expected) => {
    expect(autoscaling({ groups })).toMatchObject({ autoscaling: { groups: expected } })
  })

  test('filters are lists, the address may be a function', () => {
    const address = () => 'a'
    expect(autoscaling({ groups: 'a', address, filters: { 'tag:a': 'b', x: ['c', 'd'] } })).toMatchObject({
      autoscaling: { address, filters: { 'tag:a': ['b'], x: ['c', 'd'] } },
    })
  })

  test.each<readonly [unknown, object]>([
    ['none', { kind: 'none' }],
    ['standby', { kind: 'standby' }],
    [{ targetGroups: 'api' }, { kind: 'targetGroups', groups: ['api'] }],
    [{ loadBalancers: ['a', 'b'] }, { kind: 'loadBalancers', names: ['a', 'b'] }],
  ])('drain %j', (drain, expected) => {
    const config = valid({ fleet: { autoscaling: { groups: 'api' } }, rollout: { drain } })
    expect(config?.rollout.drain).toEqual(expected)
  })

  test.each<readonly [object, string]>([
    [{ fleet: {} }, 'fleet: names no kind. Write one of hosts or autoscaling'],
    [
      { fleet: { hosts: ['a'], autoscaling: { groups: 'a' } } },
      'fleet: names hosts and autoscaling. Keep one of them',
    ],
    [{ fleet: { autoscaling: {} } }, 'fleet.autoscaling.groups: is missing'],
    [{ fleet: { autoscaling: { groups: [] } } }, 'fleet.autoscaling.groups: names no group'],
    [{ fleet: { autoscaling: { groups: {} } } }, 'fleet.autoscaling.groups: is no object of tags'],
    [{ fleet: { autoscaling: { groups: 'a:b' } } }, 'fleet.autoscaling.groups: "a:b" is no name'],
    [
      { fleet: { autoscaling: { groups: 'a', region: 'here' } } },
      'fleet.autoscaling.region: "here" is no region',
    ],
    [
      { fleet: { autoscaling: { groups: 'a', address: 'privat' } } },
      'fleet.autoscaling.address: "privat" is not a choice. Did you mean "private"?',
    ],
    [
      { fleet: { autoscaling: { groups: 'a', states: ['Terminating'] } } },
      'fleet.autoscaling.states[0]: "Terminating" is not a choice',
    ],
    [
      { fleet: { autoscaling: { groups: 'a' } }, rollout: { drain: 'standbye' } },
      'rollout.drain: "standbye" is not a choice. Did you mean "standby"?',
    ],
    [
      { fleet: { autoscaling: { groups: 'a' } }, rollout: { drain: { targetGroups: 'a b' } } },
      'rollout.drain.targetGroups: "a b" is no target group',
    ],
    [
      { fleet: { autoscaling: { groups: 'a' } }, rollout: { drain: {} } },
      'rollout.drain: names no kind. Write one of targetGroups or loadBalancers',
    ],
    [{ fleet: { hosts: ['a'] }, rollout: { drain: 'standby' } }, 'rollout.drain: needs fleet.autoscaling'],
  ])('%j', (config, expected) => {
    const found = problems(config)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test('an environment changes the kind of fleet and of drain', () => {
    const config = {
      fleet: { autoscaling: { groups: 'api' } },
      rollout: { drain: { targetGroups: 'api' } },
      environments: {
        staging: { fleet: { hosts: ['a'] }, rollout: { drain: 'none' } },
        old: { rollout: { drain: { loadBalancers: 'api' } } },
      },
    }
    const of = (environment: string) =>
      resolveConfig({ exported: { app: 'api', ...config }, environment, overrides: [] }).config
    expect(of('staging')).toMatchObject({ fleet: { hosts: ['a'] }, rollout: { drain: { kind: 'none' } } })
    expect(of('old')?.rollout.drain).toEqual({ kind: 'loadBalancers', names: ['api'] })
  })
})

describe('what is wrong is told with its place and a remedy', () => {
  test.each<readonly [object, string]>([
    [{ app: undefined }, 'app: is missing. Write text'],
    [{ app: 5 }, 'app: is a number. Write text, in quotes'],
    [{ rollot: {} }, 'rollot: unknown key. Did you mean "rollout"?'],
    [{ zzzzzz: 1 }, 'zzzzzz: unknown key. Known here: app, build'],
    [{ 'a\nb': 1 }, '["a\\u{a}b"]: unknown key'],
    [{ build: 'make' }, 'build: is text. Write an object'],
    [{ build: { env: { PORT: 3000 } } }, 'build.env.PORT: is a number. Write text or an object'],
    [{ build: { env: { 'A B': 'x' } } }, 'build.env["A B"]: "A B" is no name of an environment variable'],
    [{ build: { deps: ['a', 'a/b'] } }, 'build.deps[1]: "a/b" lies inside "a"'],
    [{ build: { deps: ['vendor/.git'] } }, 'build.deps[0]: "vendor/.git" belongs to git'],
    [{ build: { keep: 1.5 } }, 'build.keep: 1.5 is out of range'],
    [{ build: { timeout: '0s' } }, 'build.timeout: "0s" is too short'],
    [{ ssh: { concurrency: 0 } }, 'ssh.concurrency: 0 is out of range. Write a whole number from 1 to 1000'],
    [
      { ssh: { concurrency: 'many' } },
      'ssh.concurrency: "many" is not a choice. Write one of auto, a number',
    ],
    [
      { archive: { format: 'zip' } },
      'archive.format: "zip" is not a choice. Write one of tar.zst, tar.gz, tar',
    ],
    [{ archive: { format: 'tar.gz', level: 12 } }, 'archive.level: 12 does not fit'],
    [{ archive: { format: 'tar', level: 1 } }, 'archive.level: 1 does not fit'],
    [{ store: {} }, 'store: names no kind. Write one of directory or s3'],
    [
      { store: { directory: 'a', s3: { bucket: 'builds' } } },
      'store: names directory and s3. Keep one of them',
    ],
    [{ store: { s3: { bucket: 's3://builds' } } }, 'store.s3.bucket: "s3://builds" is no name of a bucket'],
    [
      { store: { s3: { bucket: 'builds', prefix: '/apps/' } } },
      'store.s3.prefix: "/apps/" can\'t be part of a key',
    ],
    [
      { store: { s3: { bucket: 'builds', region: 'EU (Ireland)' } } },
      'store.s3.region: "EU (Ireland)" is no region',
    ],
    [
      { store: { s3: { bucket: 'builds', endpoint: 'https://user:secret@minio' } } },
      'store.s3.endpoint: carries a login, query or fragment',
    ],
    [{ store: { s3: { bucket: 'builds', kmsKey: 'k' } } }, "store.s3.kmsKey: is only for sse 'aws:kms'"],
    [{ store: { directory: 'a', alias: '../api.tar' } }, 'store.alias: "../api.tar" can\'t be part of a key'],
    [{ store: { directory: 'a', keep: 0 } }, 'store.keep: 0 is out of range'],
    [{ fleet: ['web1'] }, 'fleet: is a list. Write an object or a function'],
    [{ fleet: { hosts: [5] } }, 'fleet.hosts[0]: is a number. Write text or an object'],
    [{ fleet: { hosts: ['-oProxyCommand=x'] } }, 'fleet.hosts[0]: "-oProxyCommand=x" is no host'],
    [{ fleet: { hosts: [{ host: 'a', prt: 1 }] } }, 'fleet.hosts[0].prt: unknown key. Did you mean "port"?'],
    [{ fleet: { hosts: [{ port: 1 }] } }, 'fleet.hosts[0].host: is missing. Write text'],
    [
      { fleet: { hosts: ['a', { host: 'b', name: 'A' }] } },
      'fleet.hosts[1]: "a" is the name of host [0] too',
    ],
    [{ ssh: { port: 0 } }, 'ssh.port: 0 is out of range'],
    [{ ssh: { config: true } }, 'ssh.config: is true or false. Write text or false'],
    [{ ssh: { agent: 'yes' } }, 'ssh.agent: is text. Write true or false'],
    [{ ssh: { identityFile: ['a', 5] } }, 'ssh.identityFile[1]: is a number. Write text, in quotes'],
    [{ target: {} }, 'target.path: is missing. Write text'],
    [{ target: { path: 'a', shared: ['log', 'log'] } }, 'target.shared[1]: "log" is listed twice'],
    [{ service: {} }, 'service: names no kind. Write one of systemd, upstart, pm2 or restart'],
    [{ service: { pm2: 'a', upstart: 'a' } }, 'service: names upstart and pm2. Keep one of them'],
    [
      { service: { systemd: { unit: 'a', usr: true } } },
      'service.systemd.usr: unknown key. Did you mean "user"?',
    ],
    [{ service: { systemd: 'a', stop: 'x' } }, 'service.stop: is only for services with a restart command'],
    [{ service: { systemd: 'a', log: '../x' } }, 'service.log: "../x" contains ".."'],
    [{ rollout: { batch: '0%' } }, 'rollout.batch: "0%" would never deploy'],
    [{ rollout: { batch: true } }, 'rollout.batch: is true or false. Write a number or text'],
    [{ rollout: { pause: null } }, 'rollout.pause: is null. Write text'],
    [{ health: { http: 'localhost:3000' } }, 'health.http: "localhost:3000" is no URL'],
    [{ health: { http: 'file:///etc/passwd' } }, 'health.http: "file:///etc/passwd" is no URL'],
    [{ health: { http: { url: 'http://a/', status: [99] } } }, 'health.http.status[0]: 99 is out of range'],
    [
      { health: { http: { url: 'http://a/', headers: { A: 'b\r\nC: d' } } } },
      'health.http.headers.A: "b\\u{d}',
    ],
    [
      { health: { tcp: 80, successes: 5, interval: '10s', deadline: '30s' } },
      'health.deadline: 30s is too short: 5 answers',
    ],
    [
      { health: { tcp: 80, deadline: '10s' } },
      'health.deadline: 10s is too short: good answers must span 10s',
    ],
    [{ health: { http: { url: 'http://a/', release: {} } } }, 'health.http.release: names no kind'],
    [
      { health: { http: { url: 'http://a/', release: { body: false } } } },
      'health.http.release.body: is true',
    ],
    [{ rollout: { guard: '60s' }, health: { tcp: 80 } }, 'rollout.guard: 1m is too short: a host has 1m'],
    [{ environments: [] }, 'environments: is a list. Write an object'],
    [
      { environments: { x: { environments: {} } } },
      'environments.x.environments: is a key of the whole config',
    ],
    [{ environments: { x: 1 } }, 'environments.x: is no object'],
    [{ environments: { 'x y': {} } }, 'environments["x y"]: "x y" is no name'],
  ])('%j', (config, expected) => {
    const found = problems(config)
    expect(found.filter((problem) => problem.startsWith(expected))).toHaveLength(1)
    expect(found).toHaveLength(1)
  })

  test('the password of a URL is not repeated', () => {
    expect(problems({ health: { http: 'http://u:hunter2@localhost/' } }).join()).not.toContain('hunter2')
  })

  test('the value of a variable is not repeated, it may be a secret', () => {
    expect(problems({ build: { env: { TOKEN: 'hunter2\0' } } }).join()).not.toContain('hunter2')
  })
})

describe('environments', () => {
  const base = {
    ssh: { user: 'deploy', port: 22 },
    fleet: { hosts: ['web1', 'web2'] },
    service: { pm2: 'api', timeout: '90s' },
    health: { http: { url: 'http://localhost/', status: [204] }, interval: '2s' },
  }
  const staging = (overlay: object, rest: object = {}) =>
    valid({ ...base, ...rest, environments: { staging: overlay } }, { environment: 'staging' })

  test('objects are merged, lists replaced', () => {
    expect(staging({ ssh: { port: 2222 }, fleet: { hosts: ['stage1'] } })).toMatchObject({
      environment: 'staging',
      ssh: { user: 'deploy', port: 2222 },
      fleet: { hosts: ['stage1'] },
    })
  })

  test('another kind replaces the kind, and keeps what every kind has', () => {
    expect(staging({ service: { systemd: 'api' }, health: { tcp: 80 } })).toMatchObject({
      service: { manager: { kind: 'systemd' }, timeout: 90_000 },
      health: { check: { kind: 'tcp' }, interval: 2000 },
    })
    expect(
      staging({ service: { pm2: 'x' } }, { service: { restart: 'r', stop: 's' } })?.service?.manager,
    ).toEqual({ kind: 'pm2', name: 'x' })
    expect(staging({ service: { stop: 't' } }, { service: { restart: 'r' } })?.service?.manager).toEqual({
      kind: 'command',
      restart: 'r',
      stop: 't',
    })
  })

  test('the same kind is merged, however it is written', () => {
    expect(
      staging({ service: { systemd: { user: true } } }, { service: { systemd: 'api' } })?.service?.manager,
    ).toEqual({
      kind: 'systemd',
      unit: 'api',
      user: true,
    })
    expect(staging({ health: { http: { url: 'http://other/' } } })?.health?.check).toMatchObject({
      url: 'http://other/',
      status: [204],
    })
  })

  test('a function replaces a list of hosts, and the other way round', () => {
    const fleet = () => ['x']
    expect(staging({ fleet })?.fleet).toBe(fleet)
    expect(staging({ fleet: { hosts: ['y'] } }, { fleet })?.fleet).toEqual({ hosts: ['y'] })
  })

  test('the base may lack what its environments bring', () => {
    expect(
      valid(
        { service: { timeout: '5s' }, environments: { x: { service: { pm2: 'a' } } } },
        { environment: 'x' },
      ),
    ).toMatchObject({
      service: { timeout: 5000 },
    })
  })

  test('a slip in another environment is found too, a slip in the base once', () => {
    expect(problems({ ssh: { prt: 1 }, environments: { a: { rollout: { batc: 1 } }, b: {} } })).toEqual([
      'ssh.prt: unknown key. Did you mean "port"?',
      'environments.a.rollout.batc: unknown key. Did you mean "batch"?',
    ])
  })

  test.each([
    [{}, undefined, 'production'],
    [{ environments: { staging: {} } }, undefined, 'production'],
    [{ environment: 'live' }, undefined, 'live'],
    [{ environment: 'live' }, 'live', 'live'],
    [{ environments: { staging: {} } }, 'staging', 'staging'],
  ])('%j and -e %s mean %s', (config, environment, expected) => {
    expect(valid(config, environment === undefined ? {} : { environment })?.environment).toBe(expected)
  })

  test.each([
    [{}, 'staging', 'Known are: production'],
    [{ environments: { staging: {} } }, 'stagng', 'Known are: staging, production'],
    [{ environment: 'live', environments: { staging: {} } }, undefined, 'there is no environment "live"'],
    [{ environments: { staging: {} } }, 'toString', 'there is no environment "toString"'],
    [{}, '../x', 'there is no environment "../x"'],
  ])('%j and -e %s are an error', (config, environment, expected) => {
    const found = problems(config, environment === undefined ? {} : { environment })
    expect(found).toEqual([expect.stringContaining(expected)])
  })
})

test('overrides win over the environment, and name their source when wrong', () => {
  const overrides = [
    { path: ['service', 'systemd', 'user'], value: true, source: 'DELIVER_SERVICE_SYSTEMD_USER' },
    { path: ['rollout', 'batch'], value: '2', source: 'DELIVER_ROLLOUT_BATCH' },
    { path: ['rollout', 'batch'], value: '50%', source: 'command line' },
  ]
  const environments = { production: { rollout: { batch: 9 } } }
  expect(valid({ service: { systemd: 'api' }, environments }, { overrides })).toMatchObject({
    service: { manager: { unit: 'api', user: true } },
    rollout: { batch: [{ percent: 50 }] },
  })
  const wrong = [{ path: ['ssh', 'user'], value: 'A B', source: 'DELIVER_SSH_USER' }]
  expect(problems({}, { overrides: wrong })).toEqual([
    expect.stringMatching(/^ssh\.user: .* \(from DELIVER_SSH_USER\)$/),
  ])
})
