import type { Clock } from '../../ports.js'

export interface Patience {
  readonly clock: Clock
  /** By the clock: no question is asked after it. */
  readonly until: number
  readonly signal?: AbortSignal | undefined
}

/** Milliseconds between two questions: most waits are short, and the long ones must not be what throttles the account. */
const first = 1_000
const longest = 5_000

/** Asks until it is done; false when the time is up before that. */
export async function waitFor(isDone: () => Promise<boolean>, patience: Patience): Promise<boolean> {
  const { clock, until, signal } = patience
  for (let interval = first; ; interval = Math.min(longest, interval * 1.5)) {
    signal?.throwIfAborted()
    if (await isDone()) return true
    const left = until - clock.now()
    if (left <= 0) return false
    await clock.sleep(Math.min(interval, left), signal)
  }
}
