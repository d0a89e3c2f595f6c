import { describe, expect, it } from 'vitest'
import { appendHistory, readHistory, type HistoryEntry } from '../../src/store/history.js'
import { createMemoryStore } from '../fakes/memory-store.js'

const entry = (release: string, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  version: 1,
  command: 'deploy',
  release,
  by: 'alice@ci',
  started: '2030-01-01T00:00:00.000Z',
  ended: '2030-01-01T00:01:00.000Z',
  code: 0,
  text: `${release} runs on 1 host`,
  hosts: [{ host: 'web1', outcome: 'done', runs: release }],
  ...more,
})
const at = { app: 'api', environment: 'prod' }

describe('the history', () => {
  it('is newest first by the clock of the store, whatever the clocks of those who write', async () => {
    let now = 1000
    const store = createMemoryStore({ now: () => now })
    const clocks = [Date.UTC(2031, 0, 1), Date.UTC(2029, 0, 1), Date.UTC(2030, 0, 1)]
    for (const [i, time] of clocks.entries()) {
      now += 1000
      await appendHistory({ store, clock: { now: () => time }, ...at }, entry(`v${i}`))
    }
    const { entries } = await readHistory(store, { ...at, limit: 2 })
    expect(entries.map(({ release }) => release)).toEqual(['v2', 'v1'])
  })

  it('keeps all there is to know, and concurrent runs apart', async () => {
    const store = createMemoryStore()
    const full = entry('v2', {
      previous: 'v1',
      job: 'deploy #4',
      url: 'https://ci/4',
      code: 5,
      hosts: [{ host: 'web1', outcome: 'rolled-back', because: 'health: 500', runs: 'v1' }],
    })
    await Promise.all([1, 2, 3].map(() => appendHistory({ store, clock: { now: () => 0 }, ...at }, full)))
    expect((await readHistory(store, { ...at, limit: 9 })).entries).toEqual([full, full, full])
  })

  it('passes over what it can not read, and says so', async () => {
    const store = createMemoryStore()
    await appendHistory({ store, clock: { now: () => 0 }, ...at }, entry('v1'))
    await store.create('api/prod/history/zzz.json', Buffer.from('{"version":7}'))
    const history = await readHistory(store, { ...at, limit: 9 })
    expect(history.entries.map(({ release }) => release)).toEqual(['v1'])
    expect(history.unreadable).toEqual(['api/prod/history/zzz.json'])
  })
})
