import type { HostLink } from '../execute/link.js'
import type { Ended } from '../ports.js'
import { LineAssembler } from '../remote/line-assembler.js'
import { logLine, type LogReading, type LogSource } from '../remote/follow.js'
import { remoteCommand } from '../remote/wire.js'
import { fileEntry, journalEntry, type LogEntry } from './line-time.js'
import { openInput } from './open-input.js'

/** Node's timers go no further: three weeks, after which a follower reads again from its place. */
const longest = 2 ** 31 - 1

export interface ReadOptions {
  /** Milliseconds; undefined: as long as it goes on. */
  readonly timeout?: number
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** Reads a log, each line as it comes. Rejects when the host can't be reached. */
export async function readLog(link: HostLink, reading: LogReading, options: ReadOptions): Promise<Ended> {
  const session = await link.session(options.signal)
  const lines = new LineAssembler(options.onLine)
  const input = openInput(logLine(reading))
  try {
    return await session.exec(remoteCommand, {
      stdin: input,
      timeout: options.timeout ?? longest,
      signal: options.signal,
      onStdout: (chunk) => lines.push(chunk),
    })
  } finally {
    input.destroy()
    lines.flush()
  }
}

export function entryOf(source: LogSource, line: string): LogEntry {
  return source.kind === 'journal' ? journalEntry(line) : fileEntry(line)
}
