import { describe, expect, it } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import { chooseRollback, planRollback } from '../../src/plan/rollback.js'
import type { HostView } from '../../src/plan/types.js'

const rollout = {
  strategy: 'rolling',
  batch: [{ count: 1 }],
  maxFailures: { count: 0 },
  pause: 0,
  onFailure: 'rollback',
} as const

function view(host: string, change: Partial<HostView> = {}): HostView {
  return {
    host,
    current: 'v3',
    unconfirmed: false,
    staged: new Map([
      ['v1', 'd1'],
      ['v2', 'd2'],
      ['v3', 'd3'],
    ]),
    good: ['v1', 'v2', 'v3'],
    bad: [],
    via: 'deploy',
    ...change,
  }
}

const releases = (views: readonly HostView[], named?: string, pointer?: string): Record<string, string> =>
  Object.fromEntries(
    [...chooseRollback(views, named, pointer)].map(([host, choice]) => [
      host,
      choice.kind === 'to' ? choice.release : `stay: ${choice.because}`,
    ]),
  )

describe('chooseRollback', () => {
  it("goes to each host's own last good release", () => {
    expect(releases([view('a'), view('b', { good: ['v1', 'v3'] })])).toEqual({ a: 'v2', b: 'v1' })
  })

  it('never chooses a release that was rolled back from', () => {
    expect(releases([view('a', { bad: ['v2'] })])).toEqual({ a: 'v1' })
  })

  it('leaves an unconfirmed release for the last good one', () => {
    expect(releases([view('a', { good: ['v1', 'v2'], unconfirmed: true })])).toEqual({ a: 'v2' })
  })

  it('does not go two releases back when it is repeated or resumed', () => {
    const back = view('a', { current: 'v2', good: ['v1', 'v3', 'v2'], bad: ['v3'], via: 'rollback' })
    expect(releases([back, view('b')])).toEqual({ a: 'stay: already rolled back to v2', b: 'v2' })
    expect(releases([back])).toEqual({ a: 'stay: already rolled back to v2' })
  })

  it('takes hosts that were on it before a rollback for part of it, and goes nowhere else when it is repeated', () => {
    const back = view('a', { current: 'v2', good: ['v1', 'v3', 'v2'], bad: ['v3'], via: 'rollback' })
    const untouched = view('b', { current: 'v2', good: ['v1', 'v2'] })
    expect(releases([back, untouched], undefined, 'v2')).toEqual({
      a: 'stay: already rolled back to v2',
      b: 'stay: already on v2, which a was rolled back to',
    })
    // One that was rolled back to something else says nothing of what is in production.
    const elsewhere = view('c', { current: 'v1', good: ['v2', 'v1'], via: 'rollback' })
    expect(releases([elsewhere, untouched], undefined, 'v2')['b']).toBe('v1')
  })

  it('a host without a history whose switch was never confirmed is switched again, wherever it stands', () => {
    const back = view('a', { current: 'v2', good: ['v1', 'v3', 'v2'], via: 'rollback' })
    const booted = view('b', { current: 'v2', good: [], unconfirmed: true, via: undefined })
    const views = [back, booted]
    const plan = planRollback(chooseRollback(views, undefined), views, new Map(), rollout)
    expect(plan.steps.map(({ host, act }) => [host, act])).toEqual([
      ['b', 'activate'],
      ['a', 'verify'],
    ])
  })

  it('takes a host without a history where the others go', () => {
    expect(releases([view('a'), view('booted', { good: ['v3'], staged: new Map([['v3', 'd3']]) })])).toEqual({
      a: 'v2',
      booted: 'v2',
    })
  })

  it('takes a deploy back that stopped half-way, and leaves hosts that it never reached', () => {
    const untouched = view('c', { current: 'v2', good: ['v1', 'v2'] })
    expect(releases([view('a'), view('b'), untouched], undefined, 'v2')).toEqual({
      a: 'v2',
      b: 'v2',
      c: 'stay: already on v2',
    })
    const onTrial = view('a', { good: ['v1', 'v2'], unconfirmed: true })
    expect(releases([onTrial, untouched], undefined, 'v2')).toEqual({ a: 'v2', c: 'stay: already on v2' })
  })

  it('goes on with a rollback that was killed while the first host was on trial', () => {
    const onTrial = view('a', { current: 'v2', unconfirmed: true })
    expect(releases([onTrial, view('b')], undefined, 'v2')).toEqual({ a: 'v2', b: 'v2' })
  })

  it('takes nothing more back after a deploy that was undone by itself', () => {
    const back = view('a', {
      current: 'v2',
      good: ['v1', 'v2'],
      bad: ['v3'],
      reverted: { release: 'v3', previous: 'v2' },
    })
    const untouched = view('b', { current: 'v2', good: ['v1', 'v2'] })
    expect(releases([back, untouched], undefined, 'v2')).toEqual({
      a: 'stay: already on v2 since v3 was undone',
      b: 'stay: already on v2',
    })
    expect(releases([back, untouched], 'v1', 'v2')).toEqual({ a: 'v1', b: 'v1' })
  })

  it('leaves what is in production when all hosts run it, though something was undone before', () => {
    const reverted = { release: 'v2', previous: 'v1' }
    expect(releases([view('a', { reverted }), view('b')], undefined, 'v3')).toEqual({ a: 'v2', b: 'v2' })
  })

  it('does not bring hosts to what is in production that are behind, or were rolled back from it', () => {
    const behind = view('b', { current: 'v2', good: ['v1', 'v2'] })
    const rolledBack = view('c', { current: 'v2', good: ['v1', 'v3', 'v2'], via: 'rollback' })
    expect(releases([behind, view('a'), rolledBack], undefined, 'v3')).toEqual({
      a: 'v2',
      b: 'stay: already on v2',
      c: 'stay: already rolled back to v2',
    })
  })

  it('goes to the named one on every host', () => {
    expect(releases([view('a'), view('b')], 'v1')).toEqual({ a: 'v1', b: 'v1' })
  })

  it('refuses when no host has anything to go back to', () => {
    expect(() => chooseRollback([view('a', { good: ['v3'] })], undefined)).toThrowError(DeliverError)
  })
})

describe('planRollback', () => {
  it('sends the release to a host that lacks it, and goes on past failures', () => {
    const views = [view('a'), view('b', { staged: new Map([['v3', 'd3']]) })]
    const plan = planRollback(chooseRollback(views, 'v2'), views, new Map([['v2', 'd2']]), rollout)
    expect(plan).toMatchObject({ kind: 'rollback', release: 'v2', onFailure: 'go-on' })
    expect(plan.steps.map(({ host, stage, act }) => ({ host, stage, act }))).toEqual([
      { host: 'a', stage: 'present', act: 'activate' },
      { host: 'b', stage: 'send', act: 'activate' },
    ])
  })

  it('looks at a host that stays, and switches it to nothing', () => {
    const stays = view('a', { current: 'v2', good: ['v1', 'v3', 'v2'], bad: ['v3'], via: 'rollback' })
    const views = [stays, view('b')]
    const plan = planRollback(chooseRollback(views, undefined), views, new Map([['v2', 'd2']]), rollout)
    expect(plan.release).toBe('v2')
    expect(plan.steps.map(({ host, stage, act, because }) => ({ host, stage, act, because }))).toEqual([
      { host: 'a', stage: 'present', act: 'verify', because: 'already rolled back to v2' },
      { host: 'b', stage: 'present', act: 'activate', because: 'runs v3' },
    ])
    expect(plan.batches).toEqual([['b']])
    expect(plan.skipped).toEqual([])
  })

  it('keeps the copy of a host that stays, also one that was changed there', () => {
    const views = [view('a', { current: 'v2', via: 'rollback', staged: new Map([['v2', 'changed']]) })]
    const plan = planRollback(chooseRollback(views, undefined), views, new Map([['v2', 'd2']]), rollout)
    expect(plan.steps).toMatchObject([{ stage: 'present', act: 'verify' }])
  })

  it('sends a lost copy again where the store has it, and looks at what runs where not', () => {
    const views = [view('a', { current: 'v2', via: 'rollback', staged: new Map() })]
    const choices = chooseRollback(views, undefined)
    expect(planRollback(choices, views, new Map([['v2', 'd2']]), rollout).steps).toMatchObject([
      { stage: 'send', act: 'activate', to: 'v2' },
    ])
    expect(planRollback(choices, views, new Map(), rollout).steps).toMatchObject([
      { stage: 'present', act: 'verify', to: 'v2', because: 'already rolled back to v2' },
    ])
  })

  it('switches one again whose switch was never confirmed, also when its manifest is lost', () => {
    const lost = view('b', { current: 'v2', good: [], unconfirmed: true, via: undefined, staged: new Map() })
    const views = [view('a', { current: 'v2', via: 'rollback' }), lost]
    const plan = planRollback(chooseRollback(views, undefined), views, new Map(), rollout)
    expect(plan.steps).toMatchObject([
      { host: 'b', stage: 'present', act: 'activate' },
      { host: 'a', stage: 'present', act: 'verify' },
    ])
  })

  it('refuses a release that neither the host nor the store has', () => {
    const views = [view('a', { staged: new Map() })]
    expect(() => planRollback(chooseRollback(views, 'v9'), views, new Map(), rollout)).toThrowError(
      /a lacks v9/,
    )
  })
})
