import type { BatchSize, RolloutConfig } from '../config/types.js'

/** Hosts per batch for a fleet of that size: percents are rounded down, and never below one host. */
export function batchCount(size: BatchSize, fleet: number): number {
  const wanted = 'count' in size ? size.count : Math.floor((fleet * size.percent) / 100)
  return Math.min(Math.max(1, wanted), Math.max(1, fleet))
}

/** The most hosts that may be out of service at once. */
export function batchLimit(rollout: Pick<RolloutConfig, 'strategy' | 'batch'>, fleet: number): number {
  return rollout.strategy === 'parallel' ? Math.max(1, fleet) : batchCount(rollout.batch, fleet)
}

/** Splits the hosts, in order, into batches of at most `limit`. */
export function inBatches<T>(hosts: readonly T[], limit: number): readonly (readonly T[])[] {
  const batches: T[][] = []
  for (let start = 0; start < hosts.length; start += limit) batches.push(hosts.slice(start, start + limit))
  return batches
}
