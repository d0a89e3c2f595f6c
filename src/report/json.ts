import type { DeliverEvent, Reporter } from './events.js'
import { longestLine } from './sanitise.js'
import type { LineWriter } from './writer.js'

/** Raised when a reader of these lines would have to change. New fields and new types of events don't raise it. */
export const jsonVersion = 1

export interface JsonOptions {
  readonly stdout: LineWriter
  readonly redact: (text: string) => string
  readonly now: () => number
}

/** Stands in the stream for lines that the reader was too slow for. */
export function jsonOmission(now: () => number): (lines: number) => string {
  return (lines) =>
    JSON.stringify({ v: jsonVersion, time: new Date(now()).toISOString(), type: 'omitted', lines })
}

/** One event per line: `{"v":1,"time":"2024-05-01T10:00:00.000Z","type":"note","text":"..."}`. */
export function jsonReporter({ stdout, redact, now }: JsonOptions): Reporter {
  return {
    event(event) {
      const line = lineOf(event, new Date(now()).toISOString(), redact)
      if (event.type === 'result') stdout.writeLast(line)
      else stdout.write(line)
    },
    close: () => stdout.close(),
  }
}

function lineOf(event: DeliverEvent, time: string, redact: (text: string) => string): string {
  const head = { v: jsonVersion, time }
  try {
    return asciiControls(
      JSON.stringify({ ...head, ...event }, (_, value: unknown) => portable(value, redact)),
    )
  } catch {
    // Only a command's own data can be cyclic; that the command ended must be told all the same.
    return JSON.stringify({ ...head, ...event, data: undefined }, (_, value: unknown) =>
      portable(value, redact),
    )
  }
}

function portable(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'string') return value
  const text = redact(value)
  return text.length > longestLine
    ? `${text.slice(0, longestLine)}… (${text.length - longestLine} more characters)`
    : text
}

/** JSON leaves C1 controls and line separators as they are; a terminal or a log viewer would act on them. */
function asciiControls(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
