import type { ServiceNow } from './preview.js'

/** What `deliver status` found on a host. */
export interface Found {
  /** The release that `current` names, null when there is none. */
  readonly current: string | null
  /** What is there instead of a link of ours: a directory, a link to somewhere else. */
  readonly foreign?: string
  readonly unconfirmed: boolean
  readonly now: ServiceNow
}

/** The release that hosts ought to run: what the pointer names, else what most of them do run. */
export function intendedRelease(
  pointer: string | undefined,
  currents: readonly (string | null)[],
): string | undefined {
  if (pointer !== undefined) return pointer
  const counts = new Map<string, number>()
  for (const current of currents) if (current !== null) counts.set(current, (counts.get(current) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}

/** What is not as it ought to be on a host, one short sentence each. */
export function troubles(found: Found, intended: string | undefined): readonly string[] {
  const runs = found.current ?? found.foreign ?? 'nothing'
  return [
    ...(intended !== undefined && runs !== intended ? [`not ${intended}`] : []),
    ...(found.unconfirmed ? ['on trial: not confirmed yet'] : []),
    ...(found.now.health === 'unhealthy' ? [found.now.because ?? 'not healthy'] : []),
  ]
}
