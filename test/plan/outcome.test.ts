import { describe, expect, it } from 'vitest'
import { verdictOf, type Outcome } from '../../src/plan/outcome.js'

const ms = 1
const done: Outcome = { host: 'done', ms, kind: 'done', runs: 'v2', restarted: true }
const same: Outcome = { host: 'same', ms, kind: 'done', runs: 'v2', restarted: false }
const unstaged: Outcome = {
  host: 'unstaged',
  ms,
  kind: 'failed',
  because: 'disk full',
  runs: 'v1',
  switched: false,
}
const stopped: Outcome = {
  host: 'stopped',
  ms,
  kind: 'failed',
  because: '500',
  runs: undefined,
  switched: true,
}
const back: Outcome = { host: 'back', ms, kind: 'rolled-back', because: '500', runs: 'v1' }
const stuck: Outcome = { host: 'stuck', ms, kind: 'rollback-failed', because: '500', runs: 'v2' }
const skipped: Outcome = { host: 'skipped', ms, kind: 'skipped', because: 'x failed', runs: 'v1' }
const gone: Outcome = { host: 'gone', ms, kind: 'gone', because: 'left' }

describe('verdictOf', () => {
  it.each([
    ['all done', [done, done], 0],
    ['nothing to do', [same], 0],
    ['a host left meanwhile', [done, gone], 0],
    ['every host left', [gone], 7],
    ['no hosts at all', [], 7],
    ['one could not be staged', [unstaged, skipped], 1],
    ['rolled back everywhere', [back, back, skipped], 5],
    ['rolled back, another never switched', [back, unstaged], 5],
    ['rollback-host: earlier ones stay', [done, back, skipped], 4],
    ['stopped with a host on trial', [stopped, skipped], 4],
    ['the last host failed', [done, unstaged], 4],
    ['a rollback that failed outweighs all', [done, back, stuck, skipped], 6],
  ] as const)('%s', (_, outcomes, code) => {
    expect(verdictOf('v2', outcomes).code).toBe(code)
  })

  it('is no success when a host went back to another release than the others', () => {
    const done = (host: string, runs: string): Outcome => ({
      kind: 'done',
      host,
      ms: 1,
      runs,
      restarted: true,
    })
    expect(verdictOf('v2', [done('a', 'v2'), done('b', 'v1')])).toEqual({
      code: 4,
      text: 'v2 is only on part of the fleet; b runs v1',
    })
  })

  it('names a few of many hosts', () => {
    const many = Array.from({ length: 130 }, (_, at) => ({ ...unstaged, host: `i-${at}` }))
    const { text } = verdictOf('v2', many)
    expect(text).toMatch(/: i-0, i-1, .* and 120 more$/)
    const few = verdictOf('v2', many.slice(0, 12)).text
    expect(few).toMatch(/, i-11$/)
  })

  it('is never success when interrupted', () => {
    expect(verdictOf('v2', [done, skipped], 'interrupted').code).toBe(130)
    expect(verdictOf('v2', [skipped], 'terminated').code).toBe(143)
  })

  it('names the hosts that people must look at', () => {
    expect(verdictOf('v2', [done, stuck]).text).toContain('stuck')
    expect(verdictOf('v2', [unstaged, skipped]).text).toContain('unstaged')
  })
})
