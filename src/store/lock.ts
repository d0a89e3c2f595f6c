import { randomUUID } from 'node:crypto'
import { DeliverError } from '../errors.js'
import type { Clock, Store } from '../ports.js'
import { decidedWrite } from './decided-write.js'
import { lockKey } from './layout.js'
import { keepLease, type Lease } from './lease.js'
import {
  encodeLock,
  isFree,
  isSameWrite,
  lockedError,
  parseLock,
  type LockDocument,
} from './lock-document.js'
import type { LeaseOwner } from './owner.js'

export interface AcquireLease {
  readonly store: Store
  readonly clock: Clock
  readonly app: string
  readonly environment: string
  readonly owner: LeaseOwner
  /** Milliseconds after the last renewal until others may take over. Default: ten minutes. */
  readonly ttl?: number
  /** Milliseconds to wait for another holder. Default: none. */
  readonly wait?: number
  /** Called once for each holder that we wait for. */
  readonly onWaiting?: (holder: LockDocument) => void
  /** Whether a holder is known to be dead, so that its lease needs not expire first. Default: nobody is. */
  readonly isDead?: (holder: LockDocument) => boolean
  readonly signal?: AbortSignal
}

const defaultTtl = 600_000
const pollEvery = 2_000

/** Takes the lock of an app and environment. Rejects with kind `locked` when somebody else has it and goes on having it. */
export async function acquireLease(request: AcquireLease): Promise<Lease> {
  const { store, clock, app, environment, signal } = request
  const key = lockKey(app, environment)
  const id = randomUUID()
  const deadline = clock.now() + (request.wait ?? 0)
  let announced: string | undefined
  for (;;) {
    signal?.throwIfAborted()
    const found = await readLock(store, key)
    if (found === undefined || isFree(found.lock, found.age) || request.isDead?.(found.lock) === true) {
      const lease = await take(request, { key, id, found })
      if (lease !== undefined) return lease
      continue
    }
    const left = deadline - clock.now()
    if (left <= 0) throw lockedError(`${app} ${environment}`, found.lock)
    if (announced !== found.lock.id) request.onWaiting?.(found.lock)
    announced = found.lock.id
    await clock.sleep(Math.min(pollEvery, left), signal)
  }
}

/** The current holder, for people; undefined when the lock is free. */
export async function readHolder(
  store: Store,
  app: string,
  environment: string,
): Promise<LockDocument | undefined> {
  const found = await readLock(store, lockKey(app, environment))
  return found === undefined || isFree(found.lock, found.age) ? undefined : found.lock
}

export interface LockSeen {
  readonly lock: LockDocument
  /** Whether the next one may take it: it was released, or not renewed for too long by the store's clock. */
  readonly free: boolean
}

/** The lock as it stands, also when its deploy has ended or died. Undefined: nobody ever took it. */
export async function lookAtLock(
  store: Store,
  app: string,
  environment: string,
): Promise<LockSeen | undefined> {
  const found = await readLock(store, lockKey(app, environment))
  return found === undefined ? undefined : { lock: found.lock, free: isFree(found.lock, found.age) }
}

/** Frees a lock by hand. A run that still holds it notices with its next renewal, and stops. */
export async function unlock(
  store: Store,
  lock: { readonly app: string; readonly environment: string; readonly id: string },
): Promise<LockDocument> {
  const key = lockKey(lock.app, lock.environment)
  const what = `${lock.app} ${lock.environment}`
  for (;;) {
    const found = await readLock(store, key)
    if (found === undefined || found.lock.released) {
      throw new DeliverError('precondition', `${what} is not locked`, { fix: 'There is nothing to unlock.' })
    }
    if (found.lock.id !== lock.id) {
      throw new DeliverError(
        'usage',
        `${what} is not locked by ${JSON.stringify(lock.id)} but by ${found.lock.id}`,
        {
          fix: 'Look at who holds it now with deliver status, and use that id if the run is dead.',
        },
      )
    }
    const freed: LockDocument = { ...found.lock, renewal: found.lock.renewal + 1, released: true }
    const isOurs = (text: string): boolean => isSameWrite(parseLock(key, text), freed)
    const write = { store, key, text: encodeLock(freed), expected: found.version, isOurs }
    // A renewal may come in between; then the id still decides.
    if ((await decidedWrite(write)) !== undefined) return found.lock
  }
}

interface Found {
  readonly lock: LockDocument
  readonly version: string
  /** Milliseconds since the last write, by the store's clock. */
  readonly age: number
}

async function readLock(store: Store, key: string): Promise<Found | undefined> {
  const document = await store.readDocument(key)
  if (document === undefined) return undefined
  const { text, version, now, modifiedAt } = document
  return { lock: parseLock(key, text), version, age: now - modifiedAt }
}

/** Undefined when somebody else was faster. */
async function take(
  { store, clock, owner, ttl = defaultTtl }: AcquireLease,
  { key, id, found }: { readonly key: string; readonly id: string; readonly found: Found | undefined },
): Promise<Lease | undefined> {
  const writtenAt = clock.now()
  const lock: LockDocument = {
    version: 1,
    ...owner,
    id,
    fence: (found?.lock.fence ?? 0) + 1,
    renewal: 0,
    since: new Date(writtenAt).toISOString(),
    expires: new Date(writtenAt + ttl).toISOString(),
    ttl,
    changed: found?.lock.changed ?? [],
    released: false,
  }
  const isOurs = (text: string): boolean => parseLock(key, text).id === id
  const version = await decidedWrite({ store, key, text: encodeLock(lock), expected: found?.version, isOurs })
  if (version === undefined) return undefined
  const tookOver = found === undefined || found.lock.released ? undefined : found.lock
  return keepLease({ store, clock, key, lock, version, writtenAt, tookOver })
}
