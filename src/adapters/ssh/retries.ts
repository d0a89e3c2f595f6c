import { setTimeout as sleep } from 'node:timers/promises'
import { DeliverError } from '../../errors.js'
import type { Clock } from '../../ports.js'
import type { ConnectFailure } from './connect-failure.js'

const backoff = { first: 500, most: 10_000 }

/** Longer each time, and jittered: a fleet that was refused together must not come back together. */
export async function pause(
  failures: number,
  clock: Pick<Clock, 'sleep'> | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ms = Math.min(backoff.most, backoff.first * 2 ** failures) * (0.5 + Math.random() / 2)
  if (clock !== undefined) return clock.sleep(ms, signal)
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    throw signal?.aborted === true ? signal.reason : error
  })
}

/** The error of the last attempt, which says how many there were, and whether more might help. */
export function tried({ error, retry }: ConnectFailure, failures: number): DeliverError {
  if (failures === 0 && !retry) return error
  const message = failures === 0 ? error.message : `${error.message} (${failures + 1} attempts)`
  return new DeliverError(error.kind, message, {
    cause: error.cause,
    transient: retry,
    ...(error.fix === undefined ? {} : { fix: error.fix }),
  })
}
