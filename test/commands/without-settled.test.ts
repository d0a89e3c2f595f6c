import { describe, expect, it } from 'vitest'
import { withoutSettled } from '../../src/commands/without-settled.js'
import type { HostView } from '../../src/plan/types.js'
import type { Store } from '../../src/ports.js'
import { appendHistory } from '../../src/store/history.js'
import { createMemoryStore } from '../fakes/memory-store.js'

const at = { app: 'api', environment: 'prod' }
const neverUndone: HostView = {
  host: 'a',
  current: 'v2',
  unconfirmed: false,
  staged: new Map(),
  good: ['v1', 'v2'],
  bad: [],
  via: 'deploy',
}
const view: HostView = { ...neverUndone, reverted: { release: 'v3', previous: 'v2' } }

/** Whether the undoing of v3 is over, after runs with these ends, oldest first. */
async function isSettled(...runs: readonly (readonly [string, string, number])[]): Promise<boolean> {
  let now = 1000
  const store = createMemoryStore({ now: () => now })
  for (const [command, release, code] of runs) {
    now += 1000
    const clock = { now: () => now }
    const time = new Date(now).toISOString()
    const entry = { command, release, code, by: 'ci', started: time, ended: time, text: '', hosts: [] }
    await appendHistory({ store, clock, ...at }, { version: 1, ...entry })
  }
  const [seen] = await withoutSettled(store, at, [view])
  return seen?.reverted === undefined
}

describe('a switch that was undone', () => {
  it.each([
    ['by a deploy that took every host back: over', [['deploy', 'v3', 5]], true],
    ['by one that could not take all back', [['deploy', 'v3', 6]], false],
    ['by one that was told to end', [['deploy', 'v3', 143]], false],
    ['by one that was killed, so that no history has it', [['deploy', 'v2', 0]], false],
    [
      'before a run that succeeded: over',
      [
        ['deploy', 'v3', 6],
        ['rollback', 'v2', 0],
      ],
      true,
    ],
    [
      'before another that failed',
      [
        ['deploy', 'v3', 6],
        ['rollback', 'v2', 6],
      ],
      false,
    ],
    [
      'by the last of several deploys of one release',
      [
        ['deploy', 'v3', 5],
        ['deploy', 'v3', 6],
      ],
      false,
    ],
  ] as const)('%s', async (_, runs, settled) => {
    expect(await isSettled(...runs)).toBe(settled)
  })

  it('is not over where the history cannot be read', async () => {
    const store: Store = { ...createMemoryStore(), list: () => Promise.reject(new Error('503')) }
    expect(await withoutSettled(store, at, [view])).toEqual([view])
  })

  it('asks no history where nothing was undone', async () => {
    const store: Store = { ...createMemoryStore(), list: () => Promise.reject(new Error('asked')) }
    expect(await withoutSettled(store, at, [neverUndone])).toEqual([neverUndone])
  })
})
