import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cases } from '../../cases.js'
import { budgetFor } from '../../../src/plan/batches.js'
import { play, scripts, type Ended, type Script } from './simulation.js'

const runs = cases(1500)

function always(check: (ended: Ended, script: Script) => void): void {
  fc.assert(
    fc.property(scripts, (script) => {
      check(play(script), script)
    }),
    { numRuns: runs },
  )
}

const kinds = ({ endings }: Ended): readonly (string | undefined)[] =>
  [...endings.values()].map((ending) => ending?.kind)

test('it ends, takes out no more than allowed, and switches nothing that is not staged, or twice', () => {
  always(({ broken }) => expect(broken).toEqual([]))
})

test('every host gets exactly one outcome, and it says what runs there', () => {
  always(({ endings, real, state }) => {
    expect([...endings.keys()].sort()).toEqual([...real.keys()].sort())
    for (const [host, ending] of endings) {
      expect(ending, host).toBeDefined()
      if (ending === undefined || !('runs' in ending) || ending.runs === undefined) continue
      expect(ending.runs, `${host}: ${JSON.stringify(ending)}`).toBe(real.get(host)?.runs)
    }
    expect(state.queue).toEqual([])
  })
})

test('all done means that every host that is there runs the new release and serves', () => {
  always((ended) => {
    if (!kinds(ended).every((kind) => kind === 'done' || kind === 'gone')) return
    for (const host of ended.real.values())
      if (host.present) expect(host).toMatchObject({ runs: 'v2', serves: true })
  })
})

test('after a failure beyond the budget the policy decides where hosts end', () => {
  always((ended, { stop, lost }) => {
    const { state, plan, endings } = ended
    if (state.aborted === undefined || stop !== undefined || lost !== undefined) return
    for (const [name, ending] of endings) {
      const step = state.hosts.get(name)?.step
      if (plan.onFailure === 'rollback' && ending?.kind === 'done' && state.confirmed.includes(name))
        // What ran nothing before stays; a rollout that no host failed in, but ran out of room, undoes nothing.
        expect(step?.from === null || state.aborted.includes('out of service')).toBe(true)
      if (plan.onFailure === 'stop') expect(ending?.kind).not.toBe('rolled-back')
    }
  })
})

test('more failures than the budget end it', () => {
  always(({ state, plan }, { lost }) => {
    if (lost !== undefined || plan.onFailure === 'go-on') return
    const failed = [...state.hosts.values()].filter(
      ({ place, joined }) => place.at === 'failed' && place.counts && !joined,
    ).length
    if (failed > budgetFor(plan.maxFailures, state.hosts.size) && state.stopped === undefined)
      expect(state.aborted).toBeDefined()
  })
})

test('every host failed is never accepted, and what is accepted has been asked for at the end', () => {
  always((ended) => {
    if (!kinds(ended).includes('done')) expect(ended.accepted).toBe(false)
    if (!ended.accepted) return
    expect(ended.state.aborted).toBeUndefined()
    expect(ended.state.unanswered).toBeUndefined()
    expect(kinds(ended)).not.toContain('rollback-failed')
  })
})

test('without the lock nothing is done any more', () => {
  always(({ actions }, { lost }) => {
    if (lost !== undefined) expect(actions.length).toBeLessThanOrEqual(lost)
  })
})

test('somebody who asks to stop sees no new batch, but failed hosts going back', () => {
  always(({ actions }, { stop, lost }) => {
    if (stop === undefined || lost !== undefined) return
    const after = actions.slice(stop).map(({ kind }) => kind)
    expect(after.filter((kind) => kind !== 'recheck' && kind !== 'return')).toEqual([])
  })
})

test('the pause is between batches alone', () => {
  always(({ actions }) => {
    const kindsOf = actions.map(({ kind }) => kind)
    const lastSwitch = kindsOf.lastIndexOf('switch')
    const pauses = kindsOf.flatMap((kind, i) => (kind === 'pause' ? [i] : []))
    const switches = kindsOf.filter((kind) => kind === 'switch').length
    expect(pauses.length).toBeLessThanOrEqual(Math.max(0, switches))
    if (lastSwitch < 0) expect(pauses).toEqual([])
  })
})

test('the scripts cover what they are meant to', () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(scripts, (script) => {
      const ended = play(script)
      for (const kind of new Set([...kinds(ended), ...ended.actions.map(({ kind }) => `action ${kind}`)]))
        seen.set(String(kind), (seen.get(String(kind)) ?? 0) + 1)
      if (ended.accepted && kinds(ended).includes('rolled-back')) seen.set('within budget', 1)
    }),
    { numRuns: runs },
  )
  const kindsSeen = ['done', 'failed', 'rolled-back', 'rollback-failed', 'skipped', 'gone', 'within budget']
  const acts = [
    'stage',
    'verify',
    'recheck',
    'ask',
    'switch',
    'bake',
    'pause',
    'begin',
    'finish',
    'give-up',
    'return',
  ]
  for (const each of [...kindsSeen, ...acts.map((act) => `action ${act}`)])
    expect(seen.get(each), each).toBeGreaterThan(0)
})
