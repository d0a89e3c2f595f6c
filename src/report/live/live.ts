import type { DeliverEvent, HostState, Reporter } from '../events.js'
import { RunModel } from '../model/run-model.js'
import { createPaint } from '../paint.js'
import { cleanText } from '../sanitise.js'
import { textReporter, type TextOptions } from '../text.js'
import type { LineWriter } from '../writer.js'
import { frame } from './frame.js'
import { Screen, type Terminal } from './screen.js'
import type { Symbols } from './symbols.js'

export interface LiveOptions extends TextOptions {
  readonly terminal: Terminal
  readonly symbols: Symbols
  /** Whether stderr is the same terminal; else its lines go there as they come. */
  readonly together: boolean
}

/** States that stay printed: what went wrong, and what became of it. The frame shows the others. */
const staying: ReadonlySet<HostState> = new Set(['failed', 'rolling-back', 'rolled-back', 'gone'])

/**
 * The view of a terminal: a line for each host that is drawn anew as things happen, above it what stays: notes, warnings,
 * output, failures with their logs. At the end the frame goes, and text that can be copied is left.
 */
export function liveReporter(options: LiveOptions): Reporter {
  const { terminal, stdout, stderr, now, redact, symbols, verbose } = options
  const paint = createPaint(options.colour)
  const model = new RunModel(now(), cleanText(redact))
  let over = false
  const screen = new Screen(terminal, stdout, (columns, rows) =>
    over ? [] : frame(model, { now: now(), columns, rows, paint, symbols }),
  )
  const above = throughScreen(screen, stdout)
  const text = textReporter({
    ...options,
    stdout: above,
    stderr: options.together ? above : stderr,
    // Tables are laid out for the terminal as it is then.
    get width() {
      return terminal.columns
    },
  })

  function finish(): void {
    if (!over) screen.end()
    over = true
  }

  return {
    event(event) {
      model.take(event, now())
      // The table of outcomes is the end of what the frame shows.
      if (event.type === 'outcome' || event.type === 'result') finish()
      if (over || stays(event, verbose)) text.event(event)
      if (!over) screen.touch()
    },
    async close() {
      finish()
      await Promise.all([text.close(), stderr.close()])
    },
    async suspended(work) {
      screen.hold()
      try {
        return await work()
      } finally {
        screen.release()
      }
    },
  }
}

function stays(event: DeliverEvent, verbose: boolean): boolean {
  if (event.type === 'progress' || event.type === 'batch-started') return false
  return event.type !== 'host-state' || verbose || staying.has(event.state)
}

function throughScreen(screen: Screen, lines: LineWriter): LineWriter {
  return {
    write: (line) => screen.print(line),
    writeLast: (line) => lines.writeLast(line),
    close: () => lines.close(),
  }
}
