const headBytes = 16 * 1024
const tailBytes = 48 * 1024

/** Log text with its first and last part kept: a failure shows in one of them. Memory stays bounded. */
export class BoundedLog {
  readonly #head: string[] = []
  readonly #tail: string[] = []
  #headSize = 0
  #tailSize = 0
  #dropped = 0

  add(line: string): void {
    if (this.#headSize + line.length < headBytes && this.#tail.length === 0) {
      this.#head.push(line)
      this.#headSize += line.length + 1
      return
    }
    this.#tail.push(line)
    this.#tailSize += line.length + 1
    while (this.#tailSize > tailBytes && this.#tail.length > 1) {
      this.#tailSize -= (this.#tail.shift() ?? '').length + 1
      this.#dropped++
    }
  }

  text(): string {
    const gap = this.#dropped === 0 ? [] : [`… ${this.#dropped} lines left out …`]
    return [...this.#head, ...gap, ...this.#tail].join('\n')
  }
}
