import { abortReason } from './abort.js'

/** Lets at most `limit` hold a place at once; others wait in order. */
export class Semaphore {
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #held = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Waits for a place and gives its release (safe to call twice). Rejects with the signal's reason when aborted. */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#held < this.#limit) this.#held++
    else await this.#wait(signal)
    let released = false
    return () => {
      if (released) return
      released = true
      this.#release()
    }
  }

  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = await this.acquire(signal)
    try {
      return await work()
    } finally {
      release()
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1)
        reject(abortReason(signal))
      }
      // The place is handed over, so the count stays.
      const proceed = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.push(proceed)
    })
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#held--
    else next()
  }
}
