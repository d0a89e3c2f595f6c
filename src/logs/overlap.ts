/** Lines that are remembered to find the place again. */
export const remembered = 50

/**
 * The place in a log that was read so far. A log that is read again, from some lines before its end, goes on where we were:
 * lines that were seen are left out.
 */
export class Place {
  #last: string[] = []

  passed(line: string): void {
    this.#last.push(line)
    if (this.#last.length > remembered) this.#last.shift()
  }

  /** The lines after our place. `found` is false when it isn't among them: the log is another one, or too much came meanwhile. */
  after(lines: readonly string[]): { readonly lines: readonly string[]; readonly found: boolean } {
    const last = this.#last
    if (last.length === 0) return { lines, found: true }
    for (let end = lines.length; end >= last.length; end--) {
      const start = end - last.length
      if (last.every((line, index) => line === lines[start + index]))
        return { lines: lines.slice(end), found: true }
    }
    return { lines, found: false }
  }
}
