import type { DeliverEvent, HostState, Reporter } from './events.js'
import { layOutFindings } from './findings.js'
import { createPaint } from './paint.js'
import { sanitiseLine, sanitiseLines } from './sanitise.js'
import { layOut } from './table.js'
import { progressFilter } from './throttle.js'
import { showMilliseconds } from './units.js'
import { displayWidth } from './width.js'
import type { LineWriter } from './writer.js'

export interface TextOptions {
  readonly stdout: LineWriter
  /** Takes warnings and what failed. */
  readonly stderr: LineWriter
  readonly colour: boolean
  readonly verbose: boolean
  readonly quiet: boolean
  /** Columns of the terminal, for tables; undefined: no terminal. */
  readonly width?: number | undefined
  /** Every text passes here before it is written. */
  readonly redact: (text: string) => string
  readonly now: () => number
}

/** States that pass in a moment when all is well. */
const passing: ReadonlySet<HostState> = new Set(['connecting', 'probing', 'activating'])

/** What --quiet still shows: what changed or went wrong. */
const lasting: ReadonlySet<HostState> = new Set(['done', 'failed', 'rolling-back', 'rolled-back', 'gone'])

/** Lines for people, in a terminal as well as in the log of a CI job: no cursor movement, each with its time and host. */
export function textReporter(options: TextOptions): Reporter {
  const { stdout, stderr, verbose, quiet, now, redact } = options
  const paint = createPaint(options.colour)
  const worthALine = progressFilter()

  const timed = (
    to: LineWriter,
    text: string,
    host?: string,
    colour: (line: string) => string = (line) => line,
  ) => {
    const start = paint.tone(`${new Date(now()).toISOString().slice(11, 19)}Z`, 'dim')
    const owner = host === undefined ? '' : `${paint.tone(sanitiseLine(redact(host)), 'strong')}  `
    for (const line of sanitiseLines(redact(text))) to.write(`${start}  ${owner}${colour(line)}`)
  }
  const dim = (line: string) => paint.tone(line, 'dim')
  const bad = (line: string) => paint.tone(line, 'bad')
  const withDetail = (text: string, detail: string | undefined) =>
    detail === undefined ? text : `${text}: ${detail}`

  function result(event: Extract<DeliverEvent, { type: 'result' }>): void {
    const [to, tone] = event.ok ? ([stdout, 'good'] as const) : ([stderr, 'bad'] as const)
    // A command whose product was printed has nothing to add.
    if (event.text === '') return
    for (const line of sanitiseLines(redact(event.text))) to.writeLast(paint.tone(line, tone))
    for (const line of event.fix === undefined ? [] : sanitiseLines(redact(event.fix))) to.writeLast(line)
  }

  function table(event: Extract<DeliverEvent, { type: 'table' }>): void {
    if (event.title !== undefined) stdout.write(paint.tone(sanitiseLine(redact(event.title)), 'strong'))
    const rows = event.rows.map((row) => row.map((cell) => ({ ...cell, text: redact(cell.text) })))
    for (const line of layOut(
      { columns: event.columns, rows },
      { width: options.width, paint: paint.tone },
    )) {
      stdout.write(line)
    }
  }

  /** Columns of the longest host name so far. */
  let margin = 0

  /** Asked for, so that neither --quiet nor a prefix of time stands between; each line can be copied as it is. */
  function hostLines({ host, title, lines }: Extract<DeliverEvent, { type: 'host-lines' }>): void {
    const name = sanitiseLine(redact(host))
    margin = Math.max(margin, displayWidth(name))
    const prefix = `${paint.host(`${name}${' '.repeat(margin - displayWidth(name))} |`, host)} `
    if (title !== undefined)
      stdout.write(`${paint.host(name, host)}  ${paint.tone(sanitiseLine(redact(title)), 'dim')}`)
    for (const line of lines)
      stdout.write(`${title === undefined ? prefix : '  '}${sanitiseLine(redact(line))}`.trimEnd())
  }

  function show(event: DeliverEvent): void {
    switch (event.type) {
      case 'warning':
        return timed(stderr, `warning: ${event.text}`, event.host, bad)
      case 'note':
        return quiet ? undefined : timed(stdout, event.text, event.host)
      case 'output':
        // On hosts, stderr is what explains a failure: the last lines of a service's log.
        return quiet && (event.host === undefined || event.stream === 'stdout')
          ? undefined
          : timed(stdout, `| ${event.line}`, event.host, dim)
      case 'step-started':
        return quiet ? undefined : timed(stdout, withDetail(event.step, event.detail))
      case 'step-done':
        return quiet
          ? undefined
          : timed(stdout, withDetail(`${event.step} done in ${showMilliseconds(event.ms)}`, event.detail))
      case 'progress':
        return quiet || !worthALine(event, now())
          ? undefined
          : timed(stdout, progressText(event), event.host, dim)
      case 'host-state':
        if (quiet ? !lasting.has(event.state) : passing.has(event.state) && !verbose) return
        return timed(stdout, withDetail(event.state, event.detail), event.host, (line) =>
          paint.state(line, event.state),
        )
      case 'batch-started':
        return quiet
          ? undefined
          : timed(stdout, `batch ${event.batch} of ${event.of}: ${event.hosts.join(', ')}`)
      case 'batch-done':
        return quiet
          ? undefined
          : timed(stdout, `batch ${event.batch} of ${event.of} done in ${showMilliseconds(event.ms)}`)
      case 'host-lines':
        return hostLines(event)
      case 'table':
        return table(event)
      case 'findings':
        for (const line of layOutFindings(event.findings, {
          quiet,
          width: options.width,
          paint: paint.tone,
          redact,
        }))
          stdout.write(line)
        return
      case 'result':
        return result(event)
    }
  }

  return {
    event: show,
    close: async () => {
      await Promise.all([stdout.close(), stderr.close()])
    },
  }
}

/** The total may be bytes or things; a share says enough of both. */
function progressText({ step, done, total }: Extract<DeliverEvent, { type: 'progress' }>): string {
  return `${step} ${total > 0 ? Math.floor(Math.min(1, done / total) * 100) : 100}%`
}
