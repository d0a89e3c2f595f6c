/** Ms over which a rate is taken: long enough to be readable, short enough to show a stall. */
const period = 3_000
/** Ms between samples. */
const grain = 200

/** Bytes per second over the last moments. */
export class Rate {
  readonly #samples: { readonly at: number; readonly done: number }[] = []

  /** Undefined until there is a while to speak of. */
  take(done: number, at: number): number | undefined {
    const last = this.#samples.at(-1)
    // Less than before: it began again.
    if (last !== undefined && done < last.done) this.#samples.length = 0
    if (last === undefined || at - last.at >= grain || this.#samples.length === 0)
      this.#samples.push({ at, done })
    while ((this.#samples[1]?.at ?? at) < at - period) this.#samples.shift()
    const first = this.#samples[0]
    if (first === undefined || at - first.at < grain) return undefined
    return ((done - first.done) * 1000) / (at - first.at)
  }
}
