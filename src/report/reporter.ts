import type { Writable } from 'node:stream'
import type { Reporter } from './events.js'
import { jsonOmission, jsonReporter } from './json.js'
import { textReporter } from './text.js'
import { lineWriter } from './writer.js'

export interface ReporterOptions {
  /** `plain` is text without colour that doesn't depend on the terminal in any way. */
  readonly mode: 'text' | 'plain' | 'json'
  readonly stdout: Writable & { readonly columns?: number }
  readonly stderr: Writable
  readonly colour: boolean
  readonly verbose: boolean
  readonly quiet: boolean
  /** Takes secrets out of text; nothing is written that has not passed it. */
  readonly redact?: (text: string) => string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

const asItIs = (text: string) => text

/** Never throws, never waits: events are written as fast as the reader takes them, or left out and counted. */
export function createReporter(options: ReporterOptions): Reporter {
  const { mode, stdout, stderr, verbose, quiet, redact = asItIs, now = Date.now } = options
  if (mode === 'json')
    return jsonReporter({ stdout: lineWriter(stdout, { omission: jsonOmission(now) }), redact, now })
  return textReporter({
    stdout: lineWriter(stdout),
    stderr: lineWriter(stderr),
    colour: options.colour && mode === 'text',
    width: mode === 'text' ? stdout.columns : undefined,
    verbose,
    quiet,
    redact,
    now,
  })
}
