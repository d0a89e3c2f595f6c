import { adviceOf } from '../../errors.js'
import type { Clock, Drain } from '../../ports.js'
import type { AutoscalingApi } from './api.js'
import type { Balancers } from './balancers.js'
import { registerAgain } from './deregistration.js'
import { parseEntry, type Entry, type SizeEntry } from './entries.js'
import { restoreSizes } from './group-sizes.js'
import { endStandby } from './standby.js'

export interface RestoreOptions {
  readonly api: AutoscalingApi
  /** Of the kind that an entry is about. */
  readonly balancers: (kind: Balancers['kind']) => Balancers
  readonly alive: (ids: readonly string[], signal?: AbortSignal) => Promise<ReadonlySet<string>>
  readonly timeout: number
  readonly clock: Clock
}

interface Logged {
  readonly text: string
  readonly entry: Entry
}

type Failed = Awaited<ReturnType<Drain['restore']>>

/**
 * Undoes what an earlier run left, whatever the config drains with now. Each group and load balancer by itself: what can't be
 * undone in one must not keep the others out of service.
 */
export function createRestore(options: RestoreOptions): Drain['restore'] {
  return async (entries, signal) => {
    const logged = entries.flatMap((text): Logged[] => {
      const entry = parseEntry(text)
      return entry === undefined ? [] : [{ text, entry }]
    })
    const failed = entries
      .filter((text) => parseEntry(text) === undefined)
      .map((entry) => ({ entry, because: 'it is no change that a drain makes' }))
    for (const own of byPlace(logged)) {
      try {
        await undo(options, own, signal)
      } catch (error) {
        signal?.throwIfAborted()
        failed.push(...own.map(({ text }) => ({ entry: text, because: adviceOf(error) })))
      }
    }
    return failed satisfies Failed
  }
}

function byPlace(logged: readonly Logged[]): readonly (readonly Logged[])[] {
  const places = new Map<string, Logged[]>()
  for (const each of logged)
    places.set(placeOf(each.entry), [...(places.get(placeOf(each.entry)) ?? []), each])
  return [...places.values()]
}

function placeOf(entry: Entry): string {
  return 'registration' in entry ? `${entry.kind} ${entry.registration.balancer}` : `group ${entry.group}`
}

async function undo(options: RestoreOptions, own: readonly Logged[], signal?: AbortSignal): Promise<void> {
  const entries = own.map(({ entry }) => entry)
  const [first] = entries
  if (first === undefined) return
  if (!('registration' in first)) return undoStandby(options, first.group, entries, signal)
  const registrations = entries.flatMap((entry) => ('registration' in entry ? [entry.registration] : []))
  const balancers = options.balancers(first.kind)
  // Whether they become healthy is for the deploy to find out that comes now: it may be the one that repairs them.
  await registerAgain({ balancers, alive: options.alive }, registrations, signal)
}

async function undoStandby(
  { api, clock, timeout }: RestoreOptions,
  group: string,
  entries: readonly Entry[],
  signal?: AbortSignal,
): Promise<void> {
  const read = (stop?: AbortSignal) => api.groups({ names: [group] }, stop)
  const ids = entries.flatMap((entry) => (entry.kind === 'standby' ? [entry.instance] : []))
  await endStandby({ api, read, clock, timeout }, group, ids, signal)
  const moved = entries.filter((entry): entry is SizeEntry => 'from' in entry)
  const [now] = await read(signal)
  if (now !== undefined) await restoreSizes(api, now, moved, signal)
}
