import { Readable } from 'node:stream'
import type { Channel } from './channel.js'

/** Small enough for a smooth progress display, large enough to cost nothing. */
const piece = 256 * 1024

export interface Pump {
  readonly channel: Channel
  readonly stdin: Readable | Buffer | undefined
  /** Aborted when the command is over: ssh2 forgets the callbacks of writes that come too late. */
  readonly over: AbortSignal
  readonly onSent: (bytes: number) => void
}

/**
 * Sends all of stdin and then end of file, each piece when the connection has taken the one before. Ends early when the channel
 * closes. Rejects when stdin itself fails; the end of file is not sent then, so that a cut input doesn't look whole.
 */
export async function pump({ channel, stdin, over, onSent }: Pump): Promise<void> {
  let sent = 0
  for await (const bytes of pieces(stdin, over)) {
    const taken = new Promise<'taken'>((resolve) => channel.write(bytes, () => resolve('taken')))
    if ((await unlessOver(taken, over)) === 'over') return
    sent += bytes.length
    onSent(sent)
  }
  if (channel.writable) channel.end()
}

async function* pieces(stdin: Readable | Buffer | undefined, over: AbortSignal): AsyncGenerator<Buffer> {
  if (stdin === undefined) return
  if (Buffer.isBuffer(stdin)) {
    yield* slices(stdin)
    return
  }
  const input: AsyncIterator<unknown, unknown> = stdin[Symbol.asyncIterator]()
  try {
    for (;;) {
      // A source that gives nothing must not keep a finished command waiting.
      const next = await unlessOver(input.next(), over)
      if (next === 'over' || next.done === true) return
      yield* slices(bytesOf(next.value))
    }
  } finally {
    stdin.destroy()
  }
}

function bytesOf(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return Buffer.from(chunk)
  throw new Error('the stream gives something else than bytes')
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += piece) yield bytes.subarray(start, start + piece)
}

/** Not Promise.race: on a promise that lives as long as a transfer, each race would leave something behind. */
function unlessOver<T>(work: Promise<T>, over: AbortSignal): Promise<T | 'over'> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve('over')
    if (over.aborted) stop()
    over.addEventListener('abort', stop, { once: true })
    void work.then((value) => resolve(value), reject).finally(() => over.removeEventListener('abort', stop))
  })
}
