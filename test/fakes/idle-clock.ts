import type { Clock } from '../../src/ports.js'

interface Sleeper {
  readonly at: number
  wake(): void
}

export interface IdleClock extends Clock {
  stop(): void
}

/**
 * A clock that moves on by itself, and only while nothing is at work: the time that real processes take doesn't count, and
 * the time that anybody sleeps is over at once. So waits are exact, however slow the machine.
 */
export function createIdleClock(isBusy: () => boolean, start = Date.UTC(2030, 0, 1)): IdleClock {
  let now = start
  let idle = 0
  const sleepers = new Set<Sleeper>()
  const timer = setInterval(() => {
    idle = isBusy() || sleepers.size === 0 ? 0 : idle + 1
    if (idle < 3) return
    const [next] = [...sleepers].sort((a, b) => a.at - b.at)
    if (next === undefined) return
    now = Math.max(now, next.at)
    next.wake()
  }, 2)
  timer.unref()
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const abort = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
        }
        const sleeper: Sleeper = {
          at: now + ms,
          wake() {
            sleepers.delete(sleeper)
            idle = 0
            signal?.removeEventListener('abort', abort)
            resolve()
          },
        }
        signal?.addEventListener('abort', abort, { once: true })
        sleepers.add(sleeper)
      }),
    stop: () => clearInterval(timer),
  }
}
