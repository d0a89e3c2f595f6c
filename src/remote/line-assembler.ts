import { printable } from './printable.js'

/** Longer lines are cut: memory doesn't grow with what a host sends. */
const longestLine = 64 * 1024

/** Chunks of bytes to whole lines of printable text. Bytes that are not UTF-8 become U+FFFD. */
export class LineAssembler {
  readonly #onLine: (line: string) => void
  #parts: Buffer[] = []
  #length = 0

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end))
      this.#emit()
      from = end + 1
    }
    this.#keep(chunk.subarray(from))
  }

  /** A last line without its newline. */
  flush(): void {
    if (this.#length > 0) this.#emit()
  }

  #keep(bytes: Buffer): void {
    const room = longestLine - this.#length
    if (room <= 0 || bytes.length === 0) return
    // Copied: a small slice must not keep the whole chunk of the connection alive.
    const kept = Buffer.from(bytes.subarray(0, room))
    this.#parts.push(kept)
    this.#length += kept.length
  }

  #emit(): void {
    const line = Buffer.concat(this.#parts).toString('utf8')
    this.#parts = []
    this.#length = 0
    this.#onLine(printable(line.endsWith('\r') ? line.slice(0, -1) : line))
  }
}
