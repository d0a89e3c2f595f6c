import type { ServiceFacts } from '../../remote/facts.js'

/** A service may need a try or two until what it depends on is there. */
const most = 2

interface Seen {
  readonly pid: number
  readonly started: string | undefined
}

/** Counts how often a service is restarted by its manager, by the manager's own count and by its changing processes. */
export class CrashLoop {
  #since: number | undefined
  #baseline: number | undefined
  #counted = 0
  #last: Seen | undefined
  #changes = 0

  /** A look at the service. `now` in ms. */
  look(now: number, { pid, started, restarts }: ServiceFacts): void {
    this.#since ??= now
    if (restarts !== undefined) {
      this.#baseline ??= restarts
      this.#counted = Math.max(this.#counted, restarts - this.#baseline)
    }
    if (pid === undefined) return
    if (this.#last !== undefined && (this.#last.pid !== pid || this.#last.started !== started))
      this.#changes++
    this.#last = { pid, started }
  }

  /** What to say once it is one; undefined before. */
  verdict(now: number): string | undefined {
    const restarts = Math.max(this.#counted, this.#changes)
    if (restarts <= most) return undefined
    const seconds = Math.max(1, Math.round((now - (this.#since ?? now)) / 1000))
    return `crash loop: restarted ${restarts} times in ${seconds} s`
  }
}
