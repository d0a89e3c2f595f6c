/** A log's past comes at once; so long a silence, in ms, means that this was all of it. */
const quiet = 400

/** A log that is written without a pause has no silence; in this time, in ms, its past has come. */
const longest = 4000

/** Collects the lines that a reader begins with, which are the log's past, and hands them on together. */
export class Burst {
  readonly #most: number
  readonly #onEnd: (lines: readonly string[]) => void
  readonly #lines: string[] = []
  readonly #whole: NodeJS.Timeout
  #silence: NodeJS.Timeout | undefined
  #over = false

  /** `most`: the number of lines that the past can have. */
  constructor(most: number, onEnd: (lines: readonly string[]) => void) {
    this.#most = most
    this.#onEnd = onEnd
    this.#whole = setTimeout(() => this.end(), longest)
  }

  /** False: the burst is over, and the line is news. */
  take(line: string): boolean {
    if (this.#over) return false
    this.#lines.push(line)
    if (this.#lines.length >= this.#most) this.end()
    else if (this.#silence === undefined) this.#silence = setTimeout(() => this.end(), quiet)
    else this.#silence.refresh()
    return true
  }

  /** Idempotent. */
  end(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#whole)
    clearTimeout(this.#silence)
    this.#onEnd(this.#lines)
  }
}
