import type { Writable } from 'node:stream'
import type { Reporter } from './events.js'
import { foldingFor } from './folding.js'
import { jsonOmission, jsonReporter } from './json.js'
import { symbolsFor } from './live/symbols.js'
import { tee } from './tee.js'
import { textReporter, type TextOptions } from './text.js'
import { unblock } from './unblock.js'
import { lineWriter } from './writer.js'

export interface ReporterOptions {
  /** `plain` is text without colour that doesn't depend on the terminal in any way; `live` draws over lines of it. */
  readonly mode: 'live' | 'text' | 'plain' | 'json'
  readonly stdout: Writable & { readonly columns?: number; readonly rows?: number; readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly colour: boolean
  readonly verbose: boolean
  readonly quiet: boolean
  readonly compact?: boolean
  readonly debug?: boolean
  /** Which marks fold parts of the log, and which characters the terminal has. */
  readonly env?: NodeJS.ProcessEnv
  /** Files that are written about the run. */
  readonly junit?: string | undefined
  readonly report?: string | undefined
  /** Takes secrets out of text; nothing is written that has not passed it. */
  readonly redact?: (text: string) => string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

const asItIs = (text: string) => text

/** Never throws, never waits: events are written as fast as the reader takes them, or left out and counted. */
export async function createReporter(options: ReporterOptions): Promise<Reporter> {
  for (const stream of [options.stdout, options.stderr]) if (stream.isTTY === true) unblock(stream)
  const first = await streamReporter(options)
  const files = await fileReporters(options, (text) => first.event({ type: 'warning', text }))
  return tee(first, files)
}

async function streamReporter(options: ReporterOptions): Promise<Reporter> {
  const { mode, stdout, stderr, verbose, quiet, redact = asItIs, now = Date.now, env = {} } = options
  if (mode === 'json')
    return jsonReporter({ stdout: lineWriter(stdout, { omission: jsonOmission(now) }), redact, now })
  const text: TextOptions = {
    stdout: lineWriter(stdout),
    stderr: lineWriter(stderr),
    colour: options.colour && mode !== 'plain',
    width: mode === 'plain' ? undefined : stdout.columns,
    folding: mode === 'plain' ? undefined : foldingFor(env),
    ...{ verbose, quiet, redact, now },
    compact: options.compact === true,
    debug: options.debug === true,
  }
  if (mode !== 'live') return textReporter(text)
  const { liveReporter } = await import('./live/live.js')
  const together = stderr.isTTY === true
  return liveReporter({ ...text, terminal: stdout, together, symbols: symbolsFor(env) })
}

async function fileReporters(
  { junit, report, redact = asItIs, now = Date.now }: ReporterOptions,
  warn: (text: string) => void,
): Promise<readonly Reporter[]> {
  if (junit === undefined && report === undefined) return []
  const { filesReporter } = await import('./files.js')
  const files = [
    ...(junit === undefined ? [] : [{ path: junit, render: (await import('./junit/junit.js')).junitOf }]),
    ...(report === undefined ? [] : [{ path: report, render: (await import('./html/page.js')).pageOf }]),
  ]
  return [filesReporter({ files, redact, now, warn })]
}
