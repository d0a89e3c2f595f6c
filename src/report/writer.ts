import type { Writable } from 'node:stream'

/** Lines that may wait for a slow reader, in bytes. */
const mostWaiting = 1024 * 1024

/** How long closing waits for a reader that takes nothing. */
const patience = 2000

export interface LineWriter {
  write(line: string): void
  /** For a line that must not be left out, however slow the reader is: how a command ended. */
  writeLast(line: string): void
  /** Resolves when all is written, when the reader has gone, or when it has taken too long. */
  close(): Promise<void>
}

export interface LineWriterOptions {
  /** Bytes that may wait. */
  readonly limit?: number
  /** Milliseconds that closing waits. */
  readonly waitAtMost?: number
  /** The line that stands for lines left out. */
  readonly omission?: (lines: number) => string
}

const inWords = (lines: number) =>
  `(${lines} ${lines === 1 ? 'line' : 'lines'} omitted: the reader was too slow)`

/**
 * Writes lines to a terminal, pipe or file without ever waiting for it: what a slow reader can't take is left out, and
 * counted where it would have been. A reader that has gone (`deliver | head`) must not end a deploy.
 */
export function lineWriter(stream: Writable, options: LineWriterOptions = {}): LineWriter {
  const { limit = mostWaiting, waitAtMost = patience, omission = inWords } = options
  let gone = false
  let omitted = 0
  const leave = () => {
    gone = true
  }
  // Without a listener, EPIPE would end the process. It stays for good: errors may arrive after close.
  stream.on('error', leave)
  stream.on('close', leave)

  function put(text: string): void {
    try {
      stream.write(text)
    } catch {
      gone = true
    }
  }

  const closed = () => gone || stream.destroyed || stream.writableEnded

  function confess(): void {
    if (omitted > 0) put(`${omission(omitted)}\n`)
    omitted = 0
  }

  return {
    write(line) {
      if (closed()) return
      if (stream.writableLength >= limit) {
        omitted += 1
        return
      }
      confess()
      put(`${line}\n`)
    },
    writeLast(line) {
      if (closed()) return
      confess()
      put(`${line}\n`)
    },
    async close() {
      if (!closed()) confess()
      await emptied(stream, closed, waitAtMost)
    },
  }
}

async function emptied(stream: Writable, closed: () => boolean, waitAtMost: number): Promise<void> {
  if (closed() || stream.writableLength === 0) return
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      stream.off('error', done).off('close', done)
      resolve()
    }
    const timer = setTimeout(done, waitAtMost)
    stream.once('error', done).once('close', done)
    stream.write('', done)
  })
}
