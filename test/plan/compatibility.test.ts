import { describe, expect, test } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import { checkRollback, leftBehind, wayBackOf, whyNotBack } from '../../src/plan/compatibility.js'
import { stepTo } from '../../src/plan/deploy.js'
import type { HostView } from '../../src/plan/types.js'

const published = ['v1', 'v2', 'v3', 'v4']

function view(change: Partial<HostView> = {}): HostView {
  return {
    host: 'web1',
    current: 'v3',
    unconfirmed: false,
    staged: new Map(),
    good: ['v1', 'v2', 'v3'],
    bad: [],
    via: 'deploy',
    ...change,
  }
}

const marks = (...pairs: readonly (readonly [string, string])[]) => ({ published, oldest: new Map(pairs) })

describe('from one release back to another', () => {
  test.each([
    ['v3', 'v2', 'v1', 'v3 may be rolled back to v2 at the oldest, and v1 is older'],
    ['v3', 'v3', 'v2', 'v3 may be rolled back to v3 at the oldest, and v2 is older'],
    ['v3', 'v2', 'v2', undefined],
    ['v3', 'v1', 'v2', undefined],
    ['v3', 'v2', 'v3', undefined],
    // Published later: going on, not back.
    ['v3', 'v3', 'v4', undefined],
    ['v3', 'v2', 'v0', 'v3 may be rolled back to v2 at the oldest, and the store has no v0 to compare'],
    ['v3', 'v0', 'v2', 'v3 may be rolled back to v0 at the oldest, and the store has no v0 to compare'],
    ['v3', 'v0', 'v0', undefined],
  ])('%s with the mark %s to %s: %s', (from, mark, to, because) => {
    expect(whyNotBack(marks([from, mark]), from, to)).toBe(because)
  })

  test('without a mark anything goes', () => {
    expect(whyNotBack(marks(['v2', 'v2']), 'v3', 'v1')).toBeUndefined()
  })
})

describe('what a host leaves behind', () => {
  test.each([
    ['what it runs and what settled since', view(), 'v1', ['v3', 'v2']],
    ['only what it runs', view(), 'v2', ['v3']],
    ['nothing, where it is there', view(), 'v3', []],
    ['not what came before', view({ good: ['v2', 'v1', 'v3'] }), 'v1', ['v3']],
    ['by publication, where it never settled', view({ good: ['v1', 'v3'] }), 'v2', ['v3']],
    ['nothing ran', view({ current: null, good: [] }), 'v1', []],
  ])('%s', (_what, state, to, expected) => {
    expect(leftBehind(state, to, marks())).toEqual(expected)
  })
})

test.each([
  ['what it runs', view({ current: 'v2' }), 'v2'],
  [
    'the last good one under a switch that nobody confirmed',
    view({ unconfirmed: true, good: ['v1', 'v2'] }),
    'v2',
  ],
  ['not the release itself', view({ unconfirmed: true, current: 'v4', good: ['v2', 'v4'] }), 'v2'],
  ['nothing', view({ current: null, good: [] }), null],
])('a host whose switch fails goes back to %s', (_what, state, to) => {
  expect(wayBackOf(state, 'v4')).toBe(to)
})

describe('the step of a deploy', () => {
  const target = { release: 'v4', digest: 'd', compatibility: marks(['v4', 'v3']) }

  test('says when there is no way back', () => {
    expect(stepTo(target, view({ current: 'v2' })).noWayBack).toMatch(/v4 may be rolled back to v3/)
    expect(stepTo(target, view({ current: 'v3' })).noWayBack).toBeUndefined()
    expect(stepTo(target, view({ current: null, good: [] })).noWayBack).toBeUndefined()
  })
})

describe('a rollback by hand', () => {
  const to = (release: string) => new Map([['web1', { kind: 'to', release } as const]])

  test('is refused with the mark and the hosts', () => {
    const refuse = (): void => checkRollback(to('v1'), [view()], marks(['v3', 'v2']))
    expect(refuse).toThrow('v3 may be rolled back to v2 at the oldest, and v1 is older (web1)')
    expect(refuse).toThrow(DeliverError)
    expect(refuse).toThrow(
      expect.objectContaining({ kind: 'precondition', fix: expect.stringContaining('--force') as string }),
    )
  })

  test('is refused past a release that ran in between', () => {
    expect(() => checkRollback(to('v1'), [view()], marks(['v2', 'v2']))).toThrow('v2 may be rolled back')
  })

  test('goes ahead where nothing speaks against it', () => {
    expect(() => checkRollback(to('v2'), [view()], marks(['v3', 'v2'], ['v2', 'v2']))).not.toThrow()
    const stay = new Map([['web1', { kind: 'stay' } as const]])
    expect(() => checkRollback(stay, [view()], marks(['v3', 'v3']))).not.toThrow()
  })
})
