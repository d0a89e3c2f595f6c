import { describe, expect, test } from 'vitest'
import type { Hook, HooksConfig } from '../../src/config/hooks.js'
import { configWith } from '../execute/world.js'
import { timeAround, whatRuns } from '../../src/hooks/around.js'

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

const { rollout } = configWith()

describe('the hooks of a rollout', () => {
  test('in words, without what a command may hide', () => {
    expect(whatRuns({ hooks, rollout }, 'deploy')).toEqual([
      'beforeRollout: announce',
      'beforeBatch: drain',
      'beforeBatch: warm (on each host)',
      'afterSettle: smoke (on the first host)',
      'onFailure: page',
    ])
    expect(whatRuns({ hooks, rollout }, 'rollback')).toContain('afterRollback: tell')
    expect(whatRuns({ hooks, rollout }, 'rollback')).not.toContain('beforeRollout: announce')
    expect(whatRuns({ rollout }, 'deploy')).toEqual([])
  })

  test('in time: once, and with each batch', () => {
    expect(timeAround({ hooks, rollout }, 'deploy')).toEqual({ once: 20, batch: 1300 })
    expect(timeAround({ rollout }, 'deploy')).toEqual({ once: 0, batch: 0 })
  })

  test('and the migration of a deploy, with its time', () => {
    const migrating = { rollout: { ...rollout, migrate: { run: 'secret-command', timeout: 5000 } } }
    expect(whatRuns(migrating, 'deploy')).toEqual([expect.stringContaining('migrate (on one host') as string])
    expect(timeAround(migrating, 'deploy')).toEqual({ once: 5000, batch: 0 })
    expect(whatRuns(migrating, 'rollback')).toEqual([])
    expect(timeAround(migrating, 'rollback')).toEqual({ once: 0, batch: 0 })
  })
})
