import type { Clock } from '../ports.js'

/** The longest that a timer of Node takes, about 24 days; beyond it fires at once. */
const longest = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),

  async sleep(ms, signal) {
    const until = performance.now() + ms
    for (let left = ms; left > 0; left = until - performance.now())
      await sleepOnce(Math.min(left, longest), signal)
    signal?.throwIfAborted()
  },
}

/** `node:timers/promises` rejects with its own error instead of the signal's reason. */
function sleepOnce(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    function abort(): void {
      clearTimeout(timer)
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's own
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}
