import { messageOf } from '../errors.js'
import type { Drainage } from '../execute/traffic.js'
import type { ChangeLog, Fleet } from '../ports.js'
import type { Reporter } from '../report/events.js'
import type { Lease } from '../store/lease.js'

/** The part of a lease that remembers what is changed outside of hosts. */
export type ChangedLease = Pick<Lease, 'changed' | 'setChanged'>

/** A change log that is kept in the lock, where a later run finds what this one could not undo. */
export function leaseChangeLog(lease: ChangedLease): ChangeLog {
  let writes: Promise<void> = Promise.resolve()
  // One after the other: each starts from what the one before it wrote.
  const change = (edit: (before: readonly string[]) => readonly string[]): Promise<void> => {
    const mine = writes.then(() => lease.setChanged(edit(lease.changed)))
    writes = mine.catch(() => undefined)
    return mine
  }
  return {
    add: (entries) => change((before) => [...new Set([...before, ...entries])]),
    remove: (entries) => change((before) => before.filter((entry) => !entries.includes(entry))),
  }
}

/**
 * Undoes what earlier runs changed outside of hosts and did not undo. What can't be undone is told, and stays in the lock for the
 * next run. Resolves to what takes hosts out of traffic in this run.
 */
export async function openDrainage(
  reporter: Reporter,
  fleet: Fleet,
  lease: ChangedLease | undefined,
  signal: AbortSignal,
): Promise<Drainage | undefined> {
  if (lease === undefined) return undefined
  const { drain } = fleet
  if (lease.changed.length > 0) await restoreChanges(reporter, fleet, lease, signal)
  return drain === undefined ? undefined : { drain, changes: leaseChangeLog(lease) }
}

/** For a run, and for repairs by hand. */
export async function restoreChanges(
  reporter: Reporter,
  fleet: Fleet,
  lease: ChangedLease,
  signal: AbortSignal,
): Promise<void> {
  const entries = lease.changed
  const warn = (text: string): void => reporter.event({ type: 'warning', text })
  // A fleet may know how to undo what another kind of drain did, before the config was edited.
  const undo = fleet.restore?.bind(fleet) ?? fleet.drain?.restore.bind(fleet.drain)
  if (undo === undefined)
    return warn(`an earlier run did not undo ${entries.join(', ')}, and nothing in the config can any more`)
  reporter.event({ type: 'note', text: `undoing what an earlier run left: ${entries.join(', ')}` })
  try {
    const left = await undo(entries, signal)
    for (const { entry, because } of left) warn(`not undone: ${entry}: ${because}`)
    await lease.setChanged(left.map(({ entry }) => entry))
  } catch (error) {
    warn(`what an earlier run left could not be undone: ${messageOf(error)}`)
  }
}
