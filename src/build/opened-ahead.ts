import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** Streams of items in their order. Each is opened while the one before is read, so that nobody waits for its program to start. */
export class OpenedAhead<T> {
  readonly #items: Iterator<T>
  readonly #open: (item: T) => Promise<Readable>
  #next: Promise<Readable> | undefined

  constructor(items: readonly T[], open: (item: T) => Promise<Readable>) {
    this.#items = items[Symbol.iterator]()
    this.#open = open
    this.#next = this.#start()
  }

  /** The stream of the next item; whoever takes it destroys it. */
  async take(): Promise<Readable> {
    const stream = this.#next
    if (stream === undefined) throw new RangeError('there are no more streams than items')
    this.#next = this.#start()
    return stream
  }

  /** Waits until what nobody took has come to its end, for then its program has gone and left nothing. There is one at the most. */
  async close(): Promise<void> {
    const stream = await this.#next?.catch(() => undefined)
    this.#next = undefined
    if (stream !== undefined) await finished(stream.resume()).catch(() => undefined)
  }

  #start(): Promise<Readable> | undefined {
    const item = this.#items.next()
    if (item.done === true) return undefined
    const stream = this.#open(item.value).then((opened) => opened.on('error', () => undefined))
    // Told to whoever takes it, if anybody does.
    stream.catch(() => undefined)
    return stream
  }
}
