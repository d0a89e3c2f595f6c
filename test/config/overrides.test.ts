import { describe, expect, test } from 'vitest'
import { asConfig, fromFlags, fromVariables, reservedVariables } from '../../src/config/overrides.js'

function read(env: NodeJS.ProcessEnv): unknown {
  const { overrides, problems } = fromVariables(env)
  expect(problems).toEqual([])
  return overrides.map(asConfig)
}

describe('variables', () => {
  test.each([
    ['DELIVER_ROLLOUT_BATCH', '2', { rollout: { batch: '2' } }],
    ['DELIVER_ROLLOUT_ON_FAILURE', 'stop', { rollout: { onFailure: 'stop' } }],
    ['DELIVER_SSH_USER', '123', { ssh: { user: '123' } }],
    ['DELIVER_SSH_PORT', '2222', { ssh: { port: 2222 } }],
    ['DELIVER_SSH_CONCURRENCY', '30', { ssh: { concurrency: 30 } }],
    ['DELIVER_SSH_CONCURRENCY', 'auto', { ssh: { concurrency: 'auto' } }],
    ['DELIVER_SSH_AGENT', 'false', { ssh: { agent: false } }],
    ['DELIVER_SSH_CONFIG', 'false', { ssh: { config: false } }],
    ['DELIVER_SSH_IDENTITY_FILE', 'a', { ssh: { identityFile: 'a' } }],
    ['DELIVER_SSH_IDENTITY_FILE', 'a, b', { ssh: { identityFile: ['a', 'b'] } }],
    ['DELIVER_TARGET_PATH', '/srv/a,b', { target: { path: '/srv/a,b' } }],
    ['DELIVER_TARGET_SHARED', 'log', { target: { shared: ['log'] } }],
    ['DELIVER_FLEET_HOSTS', 'a,b', { fleet: { hosts: ['a', 'b'] } }],
    ['DELIVER_SERVICE_SYSTEMD', 'api', { service: { systemd: 'api' } }],
    ['DELIVER_SERVICE_SYSTEMD_USER', 'true', { service: { systemd: { user: true } } }],
    ['DELIVER_HEALTH_HTTP_STATUS', '200,204', { health: { http: { status: [200, 204] } } }],
    ['DELIVER_HEALTH_TCP', '3000', { health: { tcp: 3000 } }],
    ['DELIVER_BUILD_ENV_NODE_ENV', 'test', { build: { env: { NODE_ENV: 'test' } } }],
    ['DELIVER_BUILD_ENV_N', '1', { build: { env: { N: '1' } } }],
  ])('%s=%s', (name, text, expected) => {
    expect(read({ [name]: text })).toEqual([expected])
  })

  test('what is no key of ours is left alone', () => {
    expect(
      read({
        PATH: '/bin',
        DELIVER: 'x',
        DELIVER_: 'x',
        DELIVER_TEST_SECRET: 'x',
        DELIVER_SSH_USER: '',
        ROLLOUT_BATCH: '2',
      }),
    ).toEqual([])
  })

  test('reserved names are never config', () => {
    expect(read(Object.fromEntries(reservedVariables.map((name) => [`DELIVER_${name}`, 'x'])))).toEqual([])
  })

  test.each([
    ['DELIVER_ROLLOUT_BACH', 'DELIVER_ROLLOUT_BATCH'],
    ['DELIVER_SSH_USR', 'DELIVER_SSH_USER'],
    ['DELIVER_ROLLOUT_ONFAILURE', 'DELIVER_ROLLOUT_ON_FAILURE'],
    // A slip in the selection of hosts would deploy to all of them.
    ['DELIVER_HOST', 'DELIVER_HOSTS'],
  ])('%s is taken for a slip', (name, meant) => {
    const { problems } = fromVariables({ [name]: 'x' })
    expect(problems).toEqual([
      { path: [name], text: expect.stringContaining(`Did you mean ${meant}?`) as string },
    ])
  })
})

describe('options of the command line', () => {
  test('take paths of keys', () => {
    const { overrides, problems } = fromFlags({
      'rollout.batch': '25%',
      'ssh.port': '22',
      'build.env.A': '1',
    })
    expect(problems).toEqual([])
    expect(overrides.map(asConfig)).toEqual([
      { rollout: { batch: '25%' } },
      { ssh: { port: 22 } },
      { build: { env: { A: '1' } } },
    ])
  })

  test.each(['rollout.bach', 'fleet', 'environments.staging', '__proto__.x', ''])('%j is no key', (path) => {
    expect(fromFlags({ [path]: '1' })).toMatchObject({
      overrides: [],
      problems: [{ text: expect.stringContaining('unknown key') as string }],
    })
  })
})
