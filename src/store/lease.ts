import { setMaxListeners } from 'node:events'
import { DeliverError } from '../errors.js'
import type { Clock, Store } from '../ports.js'
import { decidedWrite } from './decided-write.js'
import { describeHolder, encodeLock, isSameWrite, parseLock, type LockDocument } from './lock-document.js'

/** The right to deploy one app to one environment, for as long as it is renewed. */
export interface Lease {
  readonly id: string
  /** Goes to the hosts with every change: they refuse a smaller one than they have seen. */
  readonly fence: number
  /** The lease that expired unreleased before this one: its deploy was cut short. */
  readonly tookOver: LockDocument | undefined
  /** What is not undone yet, of this deploy or of those before it. */
  readonly changed: readonly string[]
  /** Aborts, with a DeliverError, when the lease is lost. */
  readonly signal: AbortSignal
  /** By the wall clock, which goes on while a machine sleeps. Once false, it stays false. */
  isHeld(): boolean
  /** Throws when the lease is lost. To be called before every change to the world. */
  assertHeld(): void
  /** Durable before it returns. */
  setChanged(changed: readonly string[]): Promise<void>
  /** Frees the lock, unless it is somebody else's by now. May be called again. */
  release(): Promise<void>
}

export interface HeldLock {
  readonly store: Store
  readonly clock: Clock
  readonly key: string
  readonly lock: LockDocument
  readonly version: string
  /** Our clock just before the write that made it ours. */
  readonly writtenAt: number
  readonly tookOver: LockDocument | undefined
}

/** Parts of the time to live. Others may take over after all of it, so we stop well before. */
const renewEvery = 0.1
const heldFor = 0.7
const releaseTimeout = 30_000

/** Keeps a lock that was just written alive until it is released or lost. */
export function keepLease({ store, clock, key, tookOver, ...start }: HeldLock): Lease {
  let { lock, version, writtenAt } = start
  const lost = new AbortController()
  // Every host's calls listen to it; Node takes more than ten listeners for a leak.
  setMaxListeners(0, lost.signal)
  const done = new AbortController()
  let released: Promise<void> | undefined
  let writes: Promise<unknown> = Promise.resolve()

  function lose(because: string, cause?: unknown): void {
    if (lost.signal.aborted || released !== undefined) return
    const fix = 'See deliver status for where this run stopped, and who deploys now. Then deploy again.'
    lost.abort(new DeliverError('failed', `${key}: the lease is lost: ${because}`, { fix, cause }))
    done.abort()
  }

  function isHeld(): boolean {
    const age = clock.now() - writtenAt
    if (age >= lock.ttl * heldFor) lose(`it was not renewed for ${Math.round(age / 1000)} s`)
    return !lost.signal.aborted && released === undefined
  }

  function assertHeld(): void {
    if (isHeld()) return
    lost.signal.throwIfAborted()
    throw new DeliverError('failed', `${key}: the lease was released`, { fix: 'Run the command again.' })
  }

  /** One after the other: each builds on the version that the one before it made. */
  function write(change: Partial<Pick<LockDocument, 'changed' | 'released'>>): Promise<void> {
    const mine = writes.then(() => writeNow(change))
    writes = mine.catch(() => undefined)
    return mine
  }

  async function writeNow(change: Partial<Pick<LockDocument, 'changed' | 'released'>>): Promise<void> {
    const started = clock.now()
    const expires = new Date(started + lock.ttl).toISOString()
    const next: LockDocument = { ...lock, ...change, renewal: lock.renewal + 1, expires }
    const written = await decidedWrite({
      store,
      key,
      text: encodeLock(next),
      expected: version,
      isOurs: (text) => isSameWrite(parseLock(key, text), next),
    })
    if (written === undefined) return lose(await holderNow())
    lock = next
    version = written
    writtenAt = started
  }

  async function holderNow(): Promise<string> {
    const found = await store.readDocument(key).catch(() => undefined)
    if (found === undefined) return 'its lock is gone'
    const other = parseLock(key, found.text)
    return other.id === lock.id ? 'it was unlocked by hand' : `it was taken over by ${describeHolder(other)}`
  }

  async function renewUntilDone(): Promise<void> {
    for (;;) {
      await clock.sleep(lock.ttl * renewEvery, done.signal)
      if (!isHeld()) return
      // A store that fails now may work in time for the next round; if not, the watch ends it.
      await write({}).catch(() => undefined)
    }
  }

  /** Its own timer, because a write to a hanging mount doesn't come back. */
  async function watchUntilDone(): Promise<void> {
    while (isHeld()) await clock.sleep(Math.max(1, writtenAt + lock.ttl * heldFor - clock.now()), done.signal)
  }

  async function releaseNow(): Promise<void> {
    done.abort()
    if (lost.signal.aborted) return
    const timer = new AbortController()
    const late = clock.sleep(releaseTimeout, timer.signal).then(() => {
      throw new DeliverError('failed', `${key}: the store didn't answer when the lease was released`, {
        fix: `Nothing to do: it expires by itself. Sooner: deliver unlock ${lock.id}`,
      })
    })
    try {
      await Promise.race([write({ released: true }), late])
    } finally {
      timer.abort()
      late.catch(() => undefined)
    }
  }

  // Both end with a rejection when `done` aborts; everything else is handled within.
  renewUntilDone().catch(() => undefined)
  watchUntilDone().catch(() => undefined)

  return {
    id: lock.id,
    fence: lock.fence,
    tookOver,
    get changed() {
      return lock.changed
    },
    signal: lost.signal,
    isHeld,
    assertHeld,
    async setChanged(changed) {
      assertHeld()
      await write({ changed })
      assertHeld()
    },
    release() {
      released ??= releaseNow()
      return released
    },
  }
}
