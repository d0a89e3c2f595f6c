import { beforeEach, describe, expect, it } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import type { Store } from '../../src/ports.js'
import type { LockDocument } from '../../src/store/lock-document.js'
import { acquireLease, readHolder, unlock, type AcquireLease } from '../../src/store/lock.js'
import { createTurnableClock, type TurnableClock } from '../fakes/clock.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { withWriteFaults, type WriteFault } from './examples.js'

const minute = 60_000
const key = 'api/prod/lock.json'

let clock: TurnableClock
let store: Store
beforeEach(() => {
  clock = createTurnableClock()
  store = createMemoryStore(clock)
})

const acquire = (who = 'alice', more: Partial<AcquireLease> = {}) =>
  acquireLease({
    store,
    clock,
    app: 'api',
    environment: 'prod',
    owner: { owner: who, job: `deploy #${who}`, url: 'http://ci/1', host: 'ci', pid: 1 },
    ...more,
  })

async function lockNow(): Promise<LockDocument> {
  const document = await store.readDocument(key)
  return JSON.parse(document?.text ?? 'null') as LockDocument
}

/** The store, but no write is answered while `down` is true. */
function unreliable(): { store: Store; down: boolean; hanging: boolean } {
  const state = {
    down: false,
    hanging: false,
    store: {
      ...store,
      async writeDocument(...args: Parameters<Store['writeDocument']>) {
        if (state.hanging) return new Promise<never>(() => undefined)
        if (state.down) throw new Error('connection refused')
        return store.writeDocument(...args)
      },
    },
  }
  return state
}

describe('acquiring', () => {
  it('writes who holds it, and gives a fence number', async () => {
    const lease = await acquire()
    expect(lease).toMatchObject({ fence: 1, tookOver: undefined, changed: [] })
    expect(lease.isHeld()).toBe(true)
    expect(await lockNow()).toMatchObject({
      id: lease.id,
      owner: 'alice',
      fence: 1,
      released: false,
      ttl: 10 * minute,
    })
    expect((await readHolder(store, 'api', 'prod'))?.id).toBe(lease.id)
  })

  it('is refused with the holder, since when, where, and how to unlock', async () => {
    const { id } = await acquire()
    const error: unknown = await acquire('bob').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(DeliverError)
    expect(error).toMatchObject({
      kind: 'locked',
      message: 'api prod is locked by deploy #alice (alice) since 2030-01-01T00:00:00.000Z, http://ci/1',
      fix: expect.stringContaining(`deliver unlock ${id}`) as string,
    })
  })

  it('is apart for other environments and apps', async () => {
    await acquire()
    await expect(acquire('bob', { environment: 'staging' })).resolves.toMatchObject({ fence: 1 })
    await expect(acquire('bob', { app: 'web' })).resolves.toMatchObject({ fence: 1 })
  })

  it('gives larger numbers each time, after a release too', async () => {
    const fences: number[] = []
    for (const who of ['a', 'b', 'c']) {
      const lease = await acquire(who)
      fences.push(lease.fence)
      await lease.release()
      expect(await readHolder(store, 'api', 'prod')).toBeUndefined()
    }
    expect(fences).toEqual([1, 2, 3])
  })

  it('lets one of fifty proceed', async () => {
    const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => acquire(`job${i}`)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ kind: 'locked' })
  })

  it('refuses a lock that it can not read', async () => {
    await store.writeDocument(key, 'garbage', undefined)
    await expect(acquire()).rejects.toMatchObject({ kind: 'precondition' })
  })

  it.each<[string, WriteFault[]]>([
    ['the answer', ['lost-after']],
    ['the request', ['lost-before']],
    ['each in turn', ['lost-before', 'lost-after']],
  ])('succeeds once when %s is lost', async (_, faults) => {
    const lease = await acquire('alice', { store: withWriteFaults(store, faults) })
    expect(lease.isHeld()).toBe(true)
    expect(await lockNow()).toMatchObject({ id: lease.id, fence: 1 })
  })
})

describe('waiting', () => {
  it('goes on when the holder releases, and tells once who it waits for', async () => {
    const first = await acquire()
    const seen: string[] = []
    const second = acquire('bob', { wait: 5 * minute, onWaiting: ({ owner }) => seen.push(owner) })
    await clock.turn(minute)
    await first.release()
    await clock.turn(5000)
    expect((await second).fence).toBe(2)
    expect(seen).toEqual(['alice'])
  })

  it('ends at its deadline with the holder', async () => {
    await acquire()
    const waiting = expect(acquire('bob', { wait: 2 * minute })).rejects.toMatchObject({ kind: 'locked' })
    const started = clock.now()
    await clock.turn(2 * minute)
    await waiting
    expect(clock.now() - started).toBe(2 * minute)
  })

  it('ends when it is aborted', async () => {
    await acquire()
    const controller = new AbortController()
    const waiting = acquire('bob', { wait: 2 * minute, signal: controller.signal })
    const reason = new Error('stop')
    const outcome = expect(waiting).rejects.toBe(reason)
    await clock.turn(1000)
    controller.abort(reason)
    await outcome
  })
})

describe('holding', () => {
  it('renews, so that nobody takes over in hours', async () => {
    const lease = await acquire()
    for (let hour = 0; hour < 3; hour++) {
      await clock.turn(60 * minute)
      await expect(acquire('bob')).rejects.toMatchObject({ kind: 'locked' })
    }
    expect(lease.isHeld()).toBe(true)
  })

  it('survives lost answers and a store that is away for less than its time', async () => {
    const flaky = unreliable()
    const lease = await acquire('alice', {
      store: withWriteFaults(flaky.store, ['none', 'lost-after', 'lost-before']),
    })
    await clock.turn(3 * minute)
    flaky.down = true
    await clock.turn(5 * minute)
    expect(lease.isHeld()).toBe(true)
    flaky.down = false
    await clock.turn(30 * minute)
    expect(lease.isHeld()).toBe(true)
  })

  it.each(['down', 'hanging'] as const)(
    'ends before others may have it when the store is %s',
    async (fault) => {
      const flaky = unreliable()
      const lease = await acquire('alice', { store: flaky.store })
      flaky[fault] = true
      await clock.turn(7 * minute - 1)
      expect(lease.signal.aborted).toBe(false)
      await clock.turn(1)
      expect(lease.signal.aborted).toBe(true)
      await expect(acquire('bob')).rejects.toMatchObject({ kind: 'locked' })
      flaky[fault] = false
      await clock.turn(20 * minute)
      expect(lease.isHeld()).toBe(false)
    },
  )

  it('is lost after a sleep of the machine, without waiting for any timer', async () => {
    const lease = await acquire()
    clock.jump(7 * minute)
    expect(() => lease.assertHeld()).toThrow(DeliverError)
    expect(lease.signal.aborted).toBe(true)
  })

  it('is lost when it is unlocked by hand, at the next renewal', async () => {
    const lease = await acquire()
    await unlock(store, { app: 'api', environment: 'prod', id: lease.id })
    await clock.turn(minute)
    expect(lease.signal.reason).toMatchObject({
      message: expect.stringContaining('unlocked by hand') as string,
    })
    expect(() => lease.assertHeld()).toThrow(/unlocked by hand/)
  })

  it('keeps what was changed for whoever comes next', async () => {
    const lease = await acquire()
    await lease.setChanged(['standby i-1'])
    expect(lease.changed).toEqual(['standby i-1'])
    expect((await lockNow()).changed).toEqual(['standby i-1'])
    await lease.release()
    const next = await acquire('bob')
    expect(next.changed).toEqual(['standby i-1'])
    await next.setChanged([])
    await next.release()
    expect((await acquire('carol')).changed).toEqual([])
  })

  it('does not record changes once it is lost', async () => {
    const lease = await acquire()
    await unlock(store, { app: 'api', environment: 'prod', id: lease.id })
    await expect(lease.setChanged(['x'])).rejects.toThrow(/unlocked by hand/)
  })

  it('records changes while it renews', async () => {
    const lease = await acquire()
    const changes = ['a', 'b', 'c'].map((change) => lease.setChanged([change]))
    await clock.turn(minute)
    await Promise.all(changes)
    expect((await lockNow()).changed).toEqual(['c'])
    expect(lease.isHeld()).toBe(true)
  })
})

describe('taking over', () => {
  it('needs the lease to be expired by the clock of the store, not by ours', async () => {
    let storeTime = 0
    store = createMemoryStore({ now: () => storeTime })
    const suspended = await acquire('alice', { clock: createTurnableClock() })
    clock.jump(24 * 60 * minute)
    storeTime = 10 * minute
    await expect(acquire('bob')).rejects.toMatchObject({ kind: 'locked' })
    storeTime = 10 * minute + 1
    const taken = await acquire('bob')
    expect(taken).toMatchObject({ fence: 2, tookOver: { id: suspended.id, owner: 'alice' } })
  })

  it('fences out the old holder, which then leaves the lock alone', async () => {
    const old = await acquire()
    clock.jump(11 * minute)
    const taken = await acquire('bob')
    expect(() => old.assertHeld()).toThrow(DeliverError)
    await old.release()
    expect(await lockNow()).toMatchObject({ id: taken.id, released: false })
    await clock.turn(minute)
    expect(taken.isHeld()).toBe(true)
  })

  it('is won by one of many', async () => {
    await acquire()
    clock.jump(11 * minute)
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => acquire(`job${i}`)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('keeps what the dead deploy had changed', async () => {
    await (await acquire()).setChanged(['standby i-1'])
    clock.jump(11 * minute)
    expect(await acquire('bob')).toMatchObject({
      changed: ['standby i-1'],
      tookOver: { changed: ['standby i-1'] },
    })
  })
})

describe('releasing', () => {
  it('may be done twice, stops all timers, and ends the hold', async () => {
    const lease = await acquire()
    await Promise.all([lease.release(), lease.release()])
    await lease.release()
    expect(clock.sleepers).toBe(0)
    expect(lease.isHeld()).toBe(false)
    expect(() => lease.assertHeld()).toThrow(/released/)
    expect(lease.signal.aborted).toBe(false)
    expect(await lockNow()).toMatchObject({ released: true, fence: 1 })
  })

  it.each<[WriteFault]>([['lost-after'], ['lost-before']])(
    'is decided by reading when it meets %s',
    async (fault) => {
      const lease = await acquire('alice', { store: withWriteFaults(store, ['none', fault]) })
      await lease.release()
      expect((await lockNow()).released).toBe(true)
      expect((await acquire('bob')).fence).toBe(2)
    },
  )

  it('says so when the store hangs, instead of waiting for ever', async () => {
    const flaky = unreliable()
    const lease = await acquire('alice', { store: flaky.store })
    flaky.hanging = true
    const outcome = expect(lease.release()).rejects.toMatchObject({
      message: expect.stringContaining('answer') as string,
    })
    await clock.turn(30_000)
    await outcome
    expect(clock.sleepers).toBe(0)
  })
})

describe('unlocking', () => {
  const free = (id: string) => unlock(store, { app: 'api', environment: 'prod', id })

  it('frees the lock with the right id', async () => {
    const { id } = await acquire()
    expect((await free(id)).owner).toBe('alice')
    expect((await acquire('bob')).fence).toBe(2)
  })

  it('refuses any other id, and names the right one', async () => {
    const { id } = await acquire()
    await expect(free('other')).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(id) as string,
    })
    await expect(acquire('bob')).rejects.toMatchObject({ kind: 'locked' })
  })

  it('refuses when there is nothing to unlock', async () => {
    await expect(free('x')).rejects.toMatchObject({ kind: 'precondition' })
    const lease = await acquire()
    await lease.release()
    await expect(free(lease.id)).rejects.toMatchObject({ kind: 'precondition' })
  })

  it('is not undone by a renewal whose answer was lost at the same time', async () => {
    const lease = await acquire('alice', {
      store: {
        ...store,
        async writeDocument(...args) {
          const result = await store.writeDocument(...args)
          if (!args[1].includes('"renewal": 1,')) return result
          await unlock(store, {
            app: 'api',
            environment: 'prod',
            id: (JSON.parse(args[1]) as LockDocument).id,
          })
          throw new Error('connection reset')
        },
      },
    })
    await clock.turn(3 * minute)
    expect(lease.isHeld()).toBe(false)
    expect((await lockNow()).released).toBe(true)
  })
})
