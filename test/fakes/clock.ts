import type { Clock } from '../../src/ports.js'

export interface TurnableClock extends Clock {
  /** Moves the time on, waking sleepers in the order of their times, and lets their work run. */
  turn(ms: number): Promise<void>
  /** Moves the time without waking anybody, as a suspended machine does. */
  jump(ms: number): void
  readonly sleepers: number
  /** Resolves when somebody sleeps. */
  whenAsleep(): Promise<void>
}

interface Sleeper {
  readonly at: number
  wake(): void
}

/** Lets everything that is ready run, file system answers included. */
export async function settle(rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve))
}

export function createTurnableClock(start = Date.UTC(2030, 0, 1)): TurnableClock {
  let now = start
  const sleepers = new Set<Sleeper>()
  const watchers: (() => void)[] = []

  return {
    now: () => now,
    get sleepers() {
      return sleepers.size
    },
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const sleeper: Sleeper = {
          at: now + ms,
          wake() {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', abort)
            resolve()
          },
        }
        function abort(): void {
          sleepers.delete(sleeper)
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's own
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', abort, { once: true })
        sleepers.add(sleeper)
        for (const watcher of watchers.splice(0)) watcher()
      })
    },
    async turn(ms) {
      const end = now + ms
      await settle()
      for (;;) {
        const next = [...sleepers].sort((a, b) => a.at - b.at)[0]
        if (next === undefined || next.at > end) break
        now = Math.max(now, next.at)
        next.wake()
        await settle()
      }
      now = end
      await settle()
    },
    jump(ms) {
      now += ms
    },
    whenAsleep() {
      return sleepers.size > 0 ? Promise.resolve() : new Promise((resolve) => watchers.push(resolve))
    },
  }
}
