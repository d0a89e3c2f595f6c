import type { HostLink } from '../execute/link.js'
import { adviceOf } from '../errors.js'
import type { Clock, Ended } from '../ports.js'
import type { Reporter } from '../report/events.js'
import type { LogSource } from '../remote/follow.js'
import { Burst } from './burst.js'
import { Place } from './overlap.js'
import { readLog } from './read-log.js'

/** Lines that a reader goes back to find its place again. */
const overlap = 1000

/** Readings in a row that ended at once without a line: nothing will come of more. */
const mostFutile = 5

const backoff = { first: 1000, most: 30_000 }

export interface Following {
  readonly link: HostLink
  readonly source: LogSource
  readonly place: Place
  readonly clock: Clock
  readonly reporter: Reporter
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/**
 * Follows a log until the signal, over lost connections: it is read again from before the place where it was lost, and lines
 * that were seen are left out. Why it gave up; undefined: it was told to end. Never rejects.
 */
export async function followLog(following: Following): Promise<string | undefined> {
  const { signal, clock, reporter, link } = following
  const { name: host } = link.host
  for (let futile = 0; !signal.aborted;) {
    const { because, heard } = await readOnce(following)
    if (signal.aborted) return undefined
    futile = heard ? 0 : futile + 1
    if (futile >= mostFutile) return because
    if (futile <= 1)
      reporter.event({ type: 'warning', host, text: `the log stopped: ${because}; reading again` })
    const pause = Math.min(backoff.most, backoff.first * 2 ** futile)
    await clock.sleep(pause, signal).catch(() => undefined)
  }
  return undefined
}

async function readOnce(
  following: Following,
): Promise<{ readonly because: string; readonly heard: boolean }> {
  const { link, source, place, signal, reporter, onLine } = following
  const { name: host } = link.host
  let heard = false
  const pass = (line: string): void => {
    place.passed(line)
    onLine(line)
  }
  const burst = new Burst(overlap, (lines) => {
    const after = place.after(lines)
    if (!after.found)
      reporter.event({ type: 'warning', host, text: 'the log is another one now, or lines are missing here' })
    after.lines.forEach(pass)
  })
  try {
    const ended = await readLog(
      link,
      { source, lines: overlap, follow: true },
      {
        signal,
        onLine: (line) => {
          heard = true
          if (!burst.take(line)) pass(line)
        },
      },
    )
    return { because: howEnded(ended), heard }
  } catch (error) {
    return { because: adviceOf(error), heard }
  } finally {
    burst.end()
  }
}

function howEnded(ended: Ended): string {
  switch (ended.kind) {
    case 'exit':
      return `its reader ended with exit code ${ended.code}`
    case 'signal':
      return `its reader was killed by ${ended.signal}`
    case 'lost':
      return ended.because
  }
}
