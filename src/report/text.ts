import type { DeliverEvent, HostState, Reporter } from './events.js'
import { layOutFindings } from './findings.js'
import type { Folding } from './folding.js'
import { createPaint } from './paint.js'
import { sanitiseLine, sanitiseLines } from './sanitise.js'
import { layOut } from './table.js'
import { progressFilter } from './throttle.js'
import { showMilliseconds } from './units.js'
import { displayWidth } from './width.js'
import { Withheld } from './withheld.js'
import type { LineWriter } from './writer.js'

export interface TextOptions {
  readonly stdout: LineWriter
  /** Takes warnings and what failed. */
  readonly stderr: LineWriter
  readonly colour: boolean
  readonly verbose: boolean
  readonly quiet: boolean
  /** Withholds the output of what is run here, unless it failed. */
  readonly compact?: boolean
  /** Shows events that otherwise have no line. */
  readonly debug?: boolean
  /** Columns of the terminal, for tables; undefined: no terminal. */
  readonly width?: number | undefined
  /** How parts of the log are folded away; undefined: they aren't. */
  readonly folding?: Folding | undefined
  /** Every text passes here before it is written. */
  readonly redact: (text: string) => string
  readonly now: () => number
}

/** States that pass in a moment when all is well. */
const passing: ReadonlySet<HostState> = new Set([
  'connecting',
  'probing',
  'activating',
  'draining',
  'rejoining',
])

/** What --quiet still shows: what changed or went wrong. */
const lasting: ReadonlySet<HostState> = new Set(['done', 'failed', 'rolling-back', 'rolled-back', 'gone'])

/** What must not be folded away. */
const alarming: ReadonlySet<HostState> = new Set(['failed', 'rolling-back'])

/** Lines for people, in a terminal as well as in the log of a CI job: no cursor movement, each with its time and host. */
export function textReporter(options: TextOptions): Reporter {
  const { stdout, stderr, verbose, quiet, now, redact, folding, compact = false, debug = false } = options
  const paint = createPaint(options.colour)
  const worthALine = progressFilter()
  const withheld = new Withheld()
  const lastOf = new Map<string, string>()
  let open: string | undefined

  const put = (to: LineWriter, line: string) => to.write(folding === undefined ? line : folding.defuse(line))
  const putLast = (to: LineWriter, line: string) =>
    to.writeLast(folding === undefined ? line : folding.defuse(line))

  const timed = (
    to: LineWriter,
    text: string,
    host?: string,
    colour: (line: string) => string = (line) => line,
  ) => {
    const start = paint.tone(`${new Date(now()).toISOString().slice(11, 19)}Z`, 'dim')
    const owner = host === undefined ? '' : `${paint.tone(sanitiseLine(redact(host)), 'strong')}  `
    for (const line of sanitiseLines(redact(text))) put(to, `${start}  ${owner}${colour(line)}`)
  }
  const dim = (line: string) => paint.tone(line, 'dim')
  const bad = (line: string) => paint.tone(line, 'bad')
  const withDetail = (text: string, detail: string | undefined) =>
    detail === undefined ? text : `${text}: ${detail}`

  function fold(title: string): void {
    unfold()
    if (folding === undefined || quiet) return
    open = title
    stdout.write(folding.open(sanitiseLine(redact(title)), now()))
  }

  function unfold(title = open): void {
    if (folding === undefined || open === undefined || title !== open) return
    open = undefined
    stdout.write(folding.close(now()))
  }

  function output(event: Extract<DeliverEvent, { type: 'output' }>): void {
    if (compact && event.of === undefined) return withheld.add(event)
    // On hosts, stderr is what explains a failure: the last lines of a service's log.
    if (quiet && (event.host === undefined || event.stream === 'stdout')) return
    timed(stdout, `| ${event.line}`, event.host, dim)
  }

  function result(event: Extract<DeliverEvent, { type: 'result' }>): void {
    unfold()
    if (!event.ok) for (const { line, host } of withheld.take()) timed(stdout, `| ${line}`, host, dim)
    const [to, tone] = event.ok ? ([stdout, 'good'] as const) : ([stderr, 'bad'] as const)
    // A command whose product was printed has nothing to add.
    if (event.text === '') return
    for (const line of sanitiseLines(redact(event.text))) putLast(to, paint.tone(line, tone))
    for (const line of event.fix === undefined ? [] : sanitiseLines(redact(event.fix))) putLast(to, line)
  }

  function table(event: Extract<DeliverEvent, { type: 'table' }>): void {
    if (event.title !== undefined) put(stdout, paint.tone(sanitiseLine(redact(event.title)), 'strong'))
    const rows = event.rows.map((row) => row.map((cell) => ({ ...cell, text: redact(cell.text) })))
    const style = { width: options.width, paint: paint.tone }
    for (const line of layOut({ columns: event.columns, rows }, style)) put(stdout, line)
  }

  function hostState({ host, state, detail }: Extract<DeliverEvent, { type: 'host-state' }>): void {
    // How a host ends is told where it happens, and where it is written down.
    const told = JSON.stringify([state, detail])
    if (lastOf.get(host) === told) return
    lastOf.set(host, told)
    if (alarming.has(state)) unfold()
    if (quiet ? !lasting.has(state) : passing.has(state) && !verbose) return
    timed(stdout, withDetail(state, detail), host, (line) => paint.state(line, state))
  }

  function probe(event: Extract<DeliverEvent, { type: 'probe' }>): void {
    const { host, ok, because, streak, successes } = event
    const text = ok ? `healthy ${streak} of ${successes}` : withDetail('not healthy', because)
    if (verbose) timed(stdout, text, host, dim)
  }

  /** Columns of the longest host name so far. */
  let margin = 0

  /** Asked for, so that neither --quiet nor a prefix of time stands between; each line can be copied as it is. */
  function hostLines({ host, title, lines }: Extract<DeliverEvent, { type: 'host-lines' }>): void {
    const name = sanitiseLine(redact(host))
    margin = Math.max(margin, displayWidth(name))
    const prefix = `${paint.host(`${name}${' '.repeat(margin - displayWidth(name))} |`, host)} `
    if (title !== undefined)
      put(stdout, `${paint.host(name, host)}  ${paint.tone(sanitiseLine(redact(title)), 'dim')}`)
    for (const line of lines)
      put(stdout, `${title === undefined ? prefix : '  '}${sanitiseLine(redact(line))}`.trimEnd())
  }

  function show(event: DeliverEvent): void {
    switch (event.type) {
      case 'warning':
        return timed(stderr, `warning: ${event.text}`, event.host, bad)
      case 'note':
        return quiet ? undefined : timed(stdout, event.text, event.host)
      case 'output':
        return output(event)
      case 'step-started':
        withheld.take()
        fold(withDetail(event.step, event.detail))
        return quiet ? undefined : timed(stdout, withDetail(event.step, event.detail))
      case 'step-done':
        withheld.take()
        if (!quiet)
          timed(stdout, withDetail(`${event.step} done in ${showMilliseconds(event.ms)}`, event.detail))
        return unfold()
      case 'progress':
        return quiet || !worthALine(event, now())
          ? undefined
          : timed(stdout, progressText(event), event.host, dim)
      case 'host-state':
        return hostState(event)
      case 'batch-started': {
        const text = `batch ${event.batch} of ${event.of}: ${event.hosts.join(', ')}`
        fold(text)
        return quiet ? undefined : timed(stdout, text)
      }
      case 'batch-done':
        if (!quiet) timed(stdout, `batch ${event.batch} of ${event.of} done in ${showMilliseconds(event.ms)}`)
        return unfold()
      case 'host-lines':
        return hostLines(event)
      case 'probe':
        return probe(event)
      case 'table':
        unfold()
        return table(event)
      case 'findings':
        for (const line of layOutFindings(event.findings, {
          quiet,
          width: options.width,
          paint: paint.tone,
          redact,
        }))
          put(stdout, line)
        return
      case 'result':
        return result(event)
      case 'run-started':
      case 'config':
      case 'plan':
      case 'transfer':
      case 'outcome':
        return debug ? timed(stdout, JSON.stringify(event), undefined, dim) : undefined
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
