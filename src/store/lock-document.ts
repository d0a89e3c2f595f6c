import { DeliverError } from '../errors.js'
import { readFields } from './json.js'
import type { LeaseOwner } from './owner.js'

/** `lock.json`: who deploys, or, released, who did last. It is never removed, so that fence numbers never repeat. */
export interface LockDocument extends LeaseOwner {
  readonly version: 1
  /** Random; `deliver unlock` wants it. */
  readonly id: string
  /** Larger than that of all leases before. */
  readonly fence: number
  /** Counts the writes of one lease, so that each can be told from the others. */
  readonly renewal: number
  /** ISO 8601, by the holder's clock, for people. What counts is `ttl` after the last write, by the store's clock. */
  readonly since: string
  readonly expires: string
  /** Milliseconds. */
  readonly ttl: number
  /** What the deploy changed outside of hosts and has not undone, for the next run to undo. */
  readonly changed: readonly string[]
  readonly released: boolean
}

export const encodeLock = (lock: LockDocument): string => `${JSON.stringify(lock, null, 2)}\n`

export function parseLock(key: string, text: string): LockDocument {
  const fields = readFields(key, text)
  const job = fields.optionalText('job')
  const url = fields.optionalText('url')
  const machine = fields.optionalText('machine')
  return {
    version: 1,
    id: fields.text('id', /^[A-Za-z0-9-]{1,64}$/),
    owner: fields.text('owner'),
    ...(job === undefined ? {} : { job }),
    ...(url === undefined ? {} : { url }),
    host: fields.text('host'),
    pid: fields.count('pid'),
    ...(machine === undefined ? {} : { machine }),
    fence: fields.count('fence'),
    renewal: fields.count('renewal'),
    since: fields.text('since'),
    expires: fields.text('expires'),
    ttl: fields.count('ttl'),
    changed: fields.texts('changed'),
    released: fields.flag('released'),
  }
}

/** By the store's clock alone: `age` is the time since the last write. */
export const isFree = (lock: LockDocument, age: number): boolean => lock.released || age > lock.ttl

/** Whether two texts come from one write, so that an unlock is never taken for the holder's own renewal. */
export function isSameWrite(a: LockDocument, b: LockDocument): boolean {
  return a.id === b.id && a.renewal === b.renewal && a.released === b.released
}

export function describeHolder(lock: LockDocument): string {
  const who = lock.job === undefined ? lock.owner : `${lock.job} (${lock.owner})`
  return `${who} since ${lock.since}${lock.url === undefined ? '' : `, ${lock.url}`}`
}

export function lockedError(what: string, lock: LockDocument): DeliverError {
  return new DeliverError('locked', `${what} is locked by ${describeHolder(lock)}`, {
    fix: `Wait for it (--lock-wait 15m). If that run is dead, free the lock: deliver unlock ${lock.id}`,
  })
}
