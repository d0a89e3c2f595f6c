import type { BatchSize } from '../config/types.js'
import type { RolloutPolicy } from './types.js'

/** A batch's or limit's size for a fleet of that many hosts: percents are rounded down, and it is never below one host. */
export function sizeFor(size: BatchSize, fleet: number): number {
  return Math.min(Math.max(1, budgetFor(size, fleet)), Math.max(1, fleet))
}

/** As sizeFor, for what may be none at all. */
export function budgetFor(size: BatchSize, fleet: number): number {
  return 'count' in size ? size.count : Math.floor((fleet * size.percent) / 100)
}

/** The size of the batch with that number, the first being 1. Canaries come first, then the sizes; the last repeats. */
export function batchSize(policy: RolloutPolicy, number: number, fleet: number): number {
  if (policy.canary !== undefined && number === 1) return sizeFor({ count: policy.canary.hosts }, fleet)
  const index = number - (policy.canary === undefined ? 1 : 2)
  const size = policy.sizes[Math.min(index, policy.sizes.length - 1)]
  return size === undefined ? 1 : sizeFor(size, fleet)
}

function largestBatch(policy: RolloutPolicy, fleet: number): number {
  const canaries = policy.canary === undefined ? 1 : batchSize(policy, 1, fleet)
  return Math.max(canaries, ...policy.sizes.map((size) => sizeFor(size, fleet)))
}

/** The most hosts that may be out of service at once. */
export function unavailableLimit(policy: RolloutPolicy, fleet: number): number {
  return policy.maxUnavailable === undefined
    ? largestBatch(policy, fleet)
    : sizeFor(policy.maxUnavailable, fleet)
}

/** A host that could be in the next batch. */
export interface Candidate {
  readonly host: string
  readonly zone: string | undefined
  /** Whether taking it costs anything: one that is out of service already doesn't. */
  readonly serving: boolean
}

export interface Zone {
  readonly hosts: number
  readonly serving: number
}

/**
 * The next batch, in the order of the queue: at most `size` hosts, at most `room` of them in service, and never all that
 * serve in a zone, unless nothing else could be taken.
 */
export function pickBatch(
  queue: readonly Candidate[],
  limits: {
    readonly size: number
    readonly room: number
    readonly zones: ReadonlyMap<string, Zone>
    readonly fleet: number
  },
): readonly string[] {
  const { size, zones } = limits
  const fits = queue.filter((each) => !each.serving || limits.room > 0)
  const left = new Map<string, number>()
  for (const [name, zone] of zones) left.set(name, zone.hosts === 1 ? 1 : zone.serving - 1)
  // Who asks for all hosts at once gets that.
  const spread = size < limits.fleet
  const picked: string[] = []
  let room = limits.room
  for (const { host, zone, serving } of fits) {
    if (picked.length >= size) break
    if (serving) {
      const spare = zone === undefined || !spread ? Number.POSITIVE_INFINITY : (left.get(zone) ?? 1)
      if (room <= 0 || spare <= 0) continue
      if (zone !== undefined) left.set(zone, spare - 1)
      room--
    }
    picked.push(host)
  }
  const [first] = fits
  return picked.length > 0 || first === undefined ? picked : [first.host]
}

/** The batches of a rollout in which all goes well. `begun`: how many there were already. */
export function previewBatches(
  policy: RolloutPolicy,
  queue: readonly Candidate[],
  fleet: { readonly size: number; readonly zones: ReadonlyMap<string, Zone>; readonly room: number },
  begun = 0,
): readonly (readonly string[])[] {
  const batches: (readonly string[])[] = []
  const zones = new Map(fleet.zones)
  let { room } = fleet
  let rest = queue
  while (rest.length > 0) {
    const size = batchSize(policy, begun + batches.length + 1, fleet.size)
    const batch = pickBatch(rest, { size, room, zones, fleet: fleet.size })
    if (batch.length === 0) break
    const taken = new Set(batch)
    for (const { host, zone, serving } of rest) {
      if (!taken.has(host) || serving) continue
      room++
      const known = zone === undefined ? undefined : zones.get(zone)
      if (zone !== undefined && known !== undefined) zones.set(zone, { ...known, serving: known.serving + 1 })
    }
    batches.push(batch)
    rest = rest.filter(({ host }) => !taken.has(host))
  }
  return batches
}

/** How many hosts each zone has, and how many of them serve. */
export function zonesOf(hosts: Iterable<Omit<Candidate, 'host'>>): ReadonlyMap<string, Zone> {
  const zones = new Map<string, Zone>()
  for (const { zone, serving } of hosts) {
    if (zone === undefined) continue
    const { hosts: all, serving: up } = zones.get(zone) ?? { hosts: 0, serving: 0 }
    zones.set(zone, { hosts: all + 1, serving: up + (serving ? 1 : 0) })
  }
  return zones
}

/** In turn from each zone, in the order in which zones first appear; the order within a zone is kept. */
export function interleave<T extends { readonly zone?: string | undefined }>(
  hosts: readonly T[],
): readonly T[] {
  const zones = new Map<string | undefined, T[]>()
  for (const host of hosts) zones.set(host.zone, [...(zones.get(host.zone) ?? []), host])
  const most = Math.max(0, ...[...zones.values()].map((each) => each.length))
  return Array.from({ length: most }, (_, round) =>
    [...zones.values()].flatMap((each) => each.slice(round, round + 1)),
  ).flat()
}
