import type { Clock } from '../../ports.js'
import { failureOf, isThrottled, isTransient, isUnreachable } from './failure.js'

export interface Persistence {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which no further attempt begins. */
  readonly retryFor?: number
  /** Milliseconds after which an attempt that still runs is given up. */
  readonly deadline?: number
  /** From 0 to 1, for the jitter. */
  readonly random?: () => number
}

export const defaultRetryFor = 60_000
/** The same for a server that can't be found: that is rather a wrong name than a short trouble. */
const unreachableFor = 20_000
const defaultDeadline = 120_000

/** Milliseconds: the first wait, which doubles up to the longest. Throttling asks for more patience. */
const first = { throttled: 500, other: 100 }
const longest = 10_000

/** Thrown when the time is up and no attempt has failed by itself. */
export class TooSlow extends Error {
  override readonly name = 'TimeoutError'
  constructor(ms: number) {
    super(`no answer within ${Math.round(ms / 1000)} s`)
  }
}

/**
 * Does a request again, after growing random waits, while it fails in ways that pass: throttling, 5xx, a broken connection.
 * Rejects with the last failure, or with the signal's reason at once when it is aborted. `work` must be a request that may
 * be repeated, and pass its signal on.
 */
export async function persist<T>(work: (signal: AbortSignal) => Promise<T>, how: Persistence): Promise<T> {
  const { clock, signal, retryFor = defaultRetryFor, deadline = defaultDeadline, random = Math.random } = how
  signal?.throwIfAborted()
  const started = clock.now()
  const stop = new AbortController()
  const timer = new AbortController()
  const abort = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  clock.sleep(deadline, timer.signal).then(
    () => stop.abort(new TooSlow(deadline)),
    () => undefined,
  )
  let last: unknown
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await orAborted(work(stop.signal), stop.signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (stop.signal.aborted) throw last ?? error
        last = error
        const failure = failureOf(error)
        if (!isTransient(failure)) throw error
        const base = isThrottled(failure) ? first.throttled : first.other
        const wait = Math.min(longest, base * 2 ** attempt) * (0.5 + random() / 2)
        const patience = isUnreachable(failure) ? Math.min(retryFor, unreachableFor) : retryFor
        if (clock.now() - started + wait > patience) throw error
        await sleepOr(error, clock.sleep(wait, stop.signal), signal)
      }
    }
  } finally {
    timer.abort()
    signal?.removeEventListener('abort', abort)
  }
}

/** A wait that the deadline ends ends with the failure that it was for. */
async function sleepOr(failure: unknown, sleeping: Promise<void>, signal?: AbortSignal): Promise<void> {
  try {
    await sleeping
  } catch {
    signal?.throwIfAborted()
    throw failure
  }
}

/** The SDK rejects with an error of its own when aborted, and some of its steps don't listen. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    /* eslint-disable @typescript-eslint/prefer-promise-reject-errors -- the reasons are the caller's own */
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work
      .then(resolve, (error: unknown) => (signal.aborted ? abort() : reject(error)))
      .finally(() => signal.removeEventListener('abort', abort))
    /* eslint-enable @typescript-eslint/prefer-promise-reject-errors */
  })
}
