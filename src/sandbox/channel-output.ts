import type { ServerChannel } from 'ssh2'

/**
 * Both output streams of a channel, one write at a time. ssh2 1.17 keeps the last chunk that had to wait for the client's
 * window: when standard error waits later, it sends that old chunk of standard output again; when both wait, one of
 * them hangs. So they take turns, and what is left of a write is cleared after it.
 */
export class ChannelOutput {
  readonly #channel: ServerChannel
  #last: Promise<void> = Promise.resolve()

  constructor(channel: ServerChannel) {
    this.#channel = channel
  }

  /** Resolves when the client's window took all of it; never, if the channel closes before. */
  write(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> {
    this.#last = this.#last.then(() => this.#writeNow(stream, chunk))
    return this.#last
  }

  #writeNow(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> {
    const channel = this.#channel
    return new Promise((resolve) => {
      const written = () => {
        Object.assign(channel, {
          _chunk: undefined,
          _chunkcb: undefined,
          _chunkErr: undefined,
          _chunkcbErr: undefined,
        })
        resolve()
      }
      if (stream === 'stdout') channel.write(chunk, written)
      else channel.stderr.write(chunk, written)
    })
  }
}
