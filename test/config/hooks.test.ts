import { describe, expect, test } from 'vitest'
import { buildPoints, fleetPoints, hostPoints, type Hook } from '../../src/config/hooks.js'
import { resolveConfig } from '../../src/config/resolve.js'

function resolve(hooks: unknown) {
  return resolveConfig({ exported: { app: 'api', hooks }, environment: undefined, overrides: [] })
}

function hooksAt(hooks: unknown, point: 'beforeBatch' | 'afterBatch' | 'onFailure'): readonly Hook[] {
  const { config, problems } = resolve(hooks)
  expect(problems).toEqual([])
  return config?.hooks?.[point] ?? []
}

const defaults = { on: 'local', timeout: 60_000, env: {} }

describe('a hook', () => {
  test('is a command, a function, an object or a list of these, in order', () => {
    const tell = (): void => undefined
    expect(
      hooksAt({ beforeBatch: ['./a', tell, { run: 'b', on: 'first', timeout: '5m' }] }, 'beforeBatch'),
    ).toEqual([
      { ...defaults, run: './a', failure: 'stop', name: './a' },
      { ...defaults, run: tell, failure: 'stop', name: 'tell' },
      { ...defaults, run: 'b', on: 'first', timeout: 300_000, failure: 'stop', name: 'b' },
    ])
  })

  test.each([
    ['beforeBatch', 'stop'],
    ['afterBatch', 'warn'],
    ['onFailure', 'warn'],
  ] as const)('at %s: a failure means %s unless it says otherwise', (point, failure) => {
    expect(hooksAt({ [point]: 'a' }, point)).toMatchObject([{ failure }])
  })

  test('that says what its failure does is believed', () => {
    expect(hooksAt({ beforeBatch: { run: 'a', failure: 'warn' } }, 'beforeBatch')).toMatchObject([
      { failure: 'warn' },
    ])
    expect(hooksAt({ afterBatch: { run: 'a', failure: 'stop' } }, 'afterBatch')).toMatchObject([
      { failure: 'stop' },
    ])
  })

  test.each([
    ['curl -H "Authorization: Bearer s3cret" https://hooks.test/T0/s3cret', 'curl'],
    ['TOKEN=s3cret ./notify', './notify'],
    ['pwd; exit 3', 'pwd'],
    ['"$HOME/x"', 'command'],
  ])('%j is called %j: a name carries no secret', (run, name) => {
    expect(hooksAt({ beforeBatch: run }, 'beforeBatch')).toMatchObject([{ name }])
  })

  test('that is a function without a name of its own is called function', () => {
    const tell = { beforeBatch: () => undefined }
    expect(hooksAt(tell, 'beforeBatch')).toMatchObject([{ name: 'function' }])
  })

  test.each([...buildPoints, ...fleetPoints, ...hostPoints])('may stand at %s', (point) => {
    expect(resolve({ [point]: 'true' }).problems).toEqual([])
  })
})

describe('what is wrong is told with its place', () => {
  test.each([
    ['an unknown point', { beforeBatsh: 'a' }, ['hooks', 'beforeBatsh'], /Did you mean "beforeBatch"/],
    [
      'an unknown key',
      { beforeBatch: { run: 'a', dri: '.' } },
      ['hooks', 'beforeBatch', 'dri'],
      /A hook has run, on/,
    ],
    ['no command', { beforeBatch: { on: 'local' } }, ['hooks', 'beforeBatch', 'run'], /missing/],
    ['an empty command', { beforeBatch: ' ' }, ['hooks', 'beforeBatch'], /is empty/],
    [
      'hosts in a build',
      { afterSetup: { run: 'a', on: 'hosts' } },
      ['hooks', 'afterSetup', 'on'],
      /has none/,
    ],
    [
      'first of one host',
      { beforeHost: [{ run: 'a', on: 'first' }] },
      ['hooks', 'beforeHost', 0, 'on'],
      /Write hosts/,
    ],
    [
      'a function on hosts',
      { beforeBatch: { run: () => undefined, on: 'hosts' } },
      ['hooks', 'beforeBatch', 'on'],
      /function/,
    ],
    [
      'a relative directory on hosts',
      { beforeBatch: { run: 'a', on: 'hosts', dir: 'x' } },
      ['hooks', 'beforeBatch', 'dir'],
      /absolute/,
    ],
    [
      'the release before it is there',
      { beforeStage: { run: 'a', on: 'hosts', dir: 'release' } },
      ['hooks', 'beforeStage', 'dir'],
      /not on the hosts/,
    ],
    [
      'a failure that stops a failure',
      { onFailure: { run: 'a', failure: 'stop' } },
      ['hooks', 'onFailure', 'failure'],
      /nothing is left/,
    ],
    [
      'a time without a unit',
      { beforeBatch: { run: 'a', timeout: 5 } },
      ['hooks', 'beforeBatch', 'timeout'],
      /no unit/,
    ],
    [
      'a variable that is none',
      { beforeBatch: { run: 'a', env: { 'A-B': '1' } } },
      ['hooks', 'beforeBatch', 'env', 'A-B'],
      /environment variable/,
    ],
  ])('%s', (_what, hooks, path, text) => {
    expect(resolve(hooks).problems).toEqual([{ path, text: expect.stringMatching(text) as string }])
  })
})
