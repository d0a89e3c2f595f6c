import { describe, expect, test } from 'vitest'
import type { Hook, HooksConfig } from '../../src/config/hooks.js'
import { hooksOf, timeOfHooks } from '../../src/hooks/around.js'

const hook = (name: string, change: Partial<Hook> = {}): Hook => ({
  run: 'secret-command',
  on: 'local',
  timeout: 10,
  env: {},
  failure: 'stop',
  name,
  ...change,
})

const hooks: HooksConfig = {
  beforeSetup: [hook('lint')],
  beforeRollout: [hook('announce')],
  afterRollback: [hook('tell')],
  beforeBatch: [hook('drain', { timeout: 100 }), hook('warm', { on: 'hosts', timeout: 200 })],
  afterSettle: [hook('smoke', { on: 'first', timeout: 1000 })],
  onFailure: [hook('page')],
}

describe('the hooks of a rollout', () => {
  test('in words, without what a command may hide', () => {
    expect(hooksOf(hooks, 'deploy')).toEqual([
      'beforeRollout: announce',
      'beforeBatch: drain',
      'beforeBatch: warm (on each host)',
      'onFailure: page',
      'afterSettle: smoke (on the first host)',
    ])
    expect(hooksOf(hooks, 'rollback')).toContain('afterRollback: tell')
    expect(hooksOf(hooks, 'rollback')).not.toContain('beforeRollout: announce')
    expect(hooksOf(undefined, 'deploy')).toEqual([])
  })

  test('in time: once, and with each batch', () => {
    expect(timeOfHooks(hooks, 'deploy')).toEqual({ once: 20, batch: 1300 })
    expect(timeOfHooks(undefined, 'deploy')).toEqual({ once: 0, batch: 0 })
  })
})
