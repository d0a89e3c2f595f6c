import type { LogEntry } from './line-time.js'

export interface HostEntry extends LogEntry {
  readonly host: string
}

/**
 * The lines of several logs by time. Lines of one log never change their order: one without a time (a stack trace) stays
 * behind the line before it, and a clock that went back pulls nothing forward.
 */
export function mergeByTime(logs: readonly (readonly HostEntry[])[]): readonly HostEntry[] {
  const timed = logs.flatMap((log) => {
    let latest = Number.NEGATIVE_INFINITY
    return log.map((entry) => {
      latest = Math.max(latest, entry.at ?? latest)
      return { entry, time: latest }
    })
  })
  // Sorting is stable, so equal times keep the order of their logs. -Infinity has no difference to itself.
  return timed.sort((a, b) => (a.time === b.time ? 0 : a.time < b.time ? -1 : 1)).map(({ entry }) => entry)
}

/** Without the lines that say that they are older. One without a time goes with the line before it. */
export function youngerThan(entries: readonly HostEntry[], from: number): readonly HostEntry[] {
  let latest: number | undefined
  return entries.filter(({ at }) => {
    latest = at ?? latest
    return latest === undefined || latest >= from
  })
}
