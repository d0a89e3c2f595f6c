import type { Reporter } from '../report/events.js'

const shownAtOnce = 1_000
const shownAtEnd = 20

/** Shows what a hook prints as it comes. Of a hook that floods, the beginning and the last lines. */
export class BoundedOutput {
  readonly #reporter: Reporter
  readonly #host: string | undefined
  #shown = 0
  #left = 0
  readonly #last: { readonly stream: 'stdout' | 'stderr'; readonly line: string }[] = []

  constructor(reporter: Reporter, host: string | undefined) {
    this.#reporter = reporter
    this.#host = host
  }

  line(stream: 'stdout' | 'stderr', line: string): void {
    if (this.#shown < shownAtOnce) {
      this.#shown++
      return this.#event(stream, line)
    }
    this.#last.push({ stream, line })
    if (this.#last.length <= shownAtEnd) return
    this.#last.shift()
    this.#left++
  }

  end(): void {
    if (this.#left > 0) this.#event('stdout', `… ${this.#left} lines left out …`)
    for (const { stream, line } of this.#last) this.#event(stream, line)
  }

  #event(stream: 'stdout' | 'stderr', line: string): void {
    const host = this.#host === undefined ? {} : { host: this.#host }
    this.#reporter.event({ type: 'output', ...host, stream, line })
  }
}
