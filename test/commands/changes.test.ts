import { describe, expect, test } from 'vitest'
import { leaseChangeLog, openDrainage, type ChangedLease } from '../../src/commands/changes.js'
import type { Fleet } from '../../src/ports.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { FakeDrain } from '../fakes/drain.js'

const never = new AbortController().signal

/** A lease whose writes take their time, as those of a store do. */
function leaseOf(...entries: readonly string[]): ChangedLease {
  let changed: readonly string[] = entries
  return {
    get changed() {
      return changed
    },
    setChanged: async (next) => {
      await new Promise((resolve) => setImmediate(resolve))
      changed = next
    },
  }
}

const fleetWith = (rest: Partial<Fleet>): Fleet => ({ name: 'test', hosts: async () => [], ...rest })

async function open(fleet: Fleet, lease: ChangedLease | undefined) {
  const events: DeliverEvent[] = []
  const reporter = { event: (event: DeliverEvent) => void events.push(event), close: () => Promise.resolve() }
  const drainage = await openDrainage(reporter, fleet, lease, never)
  return { drainage, warnings: events.flatMap((event) => (event.type === 'warning' ? [event.text] : [])) }
}

describe('the change log in the lock', () => {
  test('keeps what was added at once, and forgets what was undone', async () => {
    const lease = leaseOf('old')
    const changes = leaseChangeLog(lease)
    await Promise.all([changes.add(['out a']), changes.add(['out b', 'out a']), changes.remove(['old'])])
    expect(lease.changed).toEqual(['out a', 'out b'])
  })

  test('a write that failed keeps none of the later ones', async () => {
    const lease = leaseOf()
    let fails = true
    const flaky: ChangedLease = {
      get changed() {
        return lease.changed
      },
      setChanged: async (next) => {
        if (fails) throw new Error('the store is away')
        await lease.setChanged(next)
      },
    }
    const changes = leaseChangeLog(flaky)
    await expect(changes.add(['out a'])).rejects.toThrow('away')
    fails = false
    await changes.add(['out b'])
    expect(lease.changed).toEqual(['out b'])
  })
})

describe('what an earlier run left', () => {
  test('is undone before anything else, and leaves the lock', async () => {
    const drain = new FakeDrain()
    drain.out.add('web1')
    const lease = leaseOf('out web1')
    const { drainage, warnings } = await open(fleetWith({ drain }), lease)
    expect([...drain.out]).toEqual([])
    expect(lease.changed).toEqual([])
    expect(warnings).toEqual([])
    expect(drainage?.drain).toBe(drain)
  })

  test('and cannot be undone is told with its reason, and stays', async () => {
    const drain = new FakeDrain()
    drain.stuckOut.add('web2')
    const lease = leaseOf('out web1', 'out web2')
    const { warnings } = await open(fleetWith({ drain }), lease)
    expect(lease.changed).toEqual(['out web2'])
    expect(warnings).toEqual(['not undone: out web2: no permission'])
  })

  test('stays when nothing in the config can undo it, or the attempt fails as a whole', async () => {
    const lease = leaseOf('out web1')
    expect((await open(fleetWith({}), lease)).warnings.join()).toContain('did not undo out web1')
    const restore = () => Promise.reject(new Error('throttled'))
    expect((await open(fleetWith({ restore }), lease)).warnings.join()).toContain('throttled')
    expect(lease.changed).toEqual(['out web1'])
  })

  test('is none of a dry run’s business', async () => {
    expect((await open(fleetWith({ drain: new FakeDrain() }), undefined)).drainage).toBeUndefined()
  })
})
