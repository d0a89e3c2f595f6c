/** How many good answers in a row are enough, and over which time. */
export interface Enough {
  readonly successes: number
  /** Ms between the first and the last of them. */
  readonly minUptime: number
  /** Ms between two. */
  readonly interval: number
}

/** Good answers in a row. Any other answer starts it again: an average is not health. */
export class Streak {
  readonly #enough: Enough
  #answers = 0
  #start = 0

  constructor(enough: Enough) {
    this.#enough = enough
  }

  get answers(): number {
    return this.#answers
  }

  /** Ms from the first good answer to `now`. */
  span(now: number): number {
    return this.#answers === 0 ? 0 : now - this.#start
  }

  /** Whether a good answer at `now` would be the last that is needed. */
  wouldDo(now: number): boolean {
    return this.#answers + 1 >= this.#enough.successes && this.span(now) >= this.#enough.minUptime
  }

  good(now: number): void {
    if (this.#answers === 0) this.#start = now
    this.#answers++
  }

  bad(): void {
    this.#answers = 0
  }

  /** Ms until the next answer is wanted: no longer than it takes to fill the time. */
  pause(now: number): number {
    const { successes, minUptime, interval } = this.#enough
    const left = this.#start + minUptime - now
    return this.#answers >= successes && left > 0 ? Math.min(interval, left) : interval
  }
}
