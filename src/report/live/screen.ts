import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { createLogUpdate } from 'log-update'
import { displayWidth } from '../width.js'
import type { LineWriter } from '../writer.js'

export type Terminal = Writable & { readonly columns?: number; readonly rows?: number }

/** Ms between two drawings while things happen, and while only time passes. */
const times = { busy: 100, idle: 1_000 } as const

/** Lines that may wait for a terminal that takes nothing, in bytes. */
const mostWaiting = 256 * 1024

/** Drawn as one: terminals that know this show nothing half-drawn, others ignore it. */
const together = (text: string): string => `\x1b[?2026h${text}\x1b[?2026l`

/**
 * The last lines of a terminal, drawn again and again, with lines that stay printed above them. Never waits: while the
 * terminal takes nothing, no frame is drawn, and lines beyond a limit are left out and counted. The cursor is never hidden,
 * so that nothing has to be restored whichever way the process ends.
 */
export class Screen {
  readonly #terminal: Terminal
  readonly #lines: LineWriter
  readonly #frame: (columns: number, rows: number) => readonly string[]
  /** What is drawn is gathered first, and written with the lines above it in one piece. */
  readonly #gathered: Gathered
  readonly #update: ReturnType<typeof createLogUpdate>
  readonly #resized = (): void => this.touch()
  #waiting: string[] = []
  #bytes = 0
  #omitted = 0
  #drawn: readonly string[] = []
  #columns = 0
  #held = false
  #timer: { readonly kind: 'busy' | 'idle'; readonly handle: NodeJS.Timeout } | undefined

  /** `frame` gives the lines to be shown; none: nothing is. `lines` writes when nothing is drawn. */
  constructor(
    terminal: Terminal,
    lines: LineWriter,
    frame: (columns: number, rows: number) => readonly string[],
  ) {
    this.#terminal = terminal
    this.#lines = lines
    this.#frame = frame
    this.#gathered = new Gathered(terminal)
    this.#update = createLogUpdate(this.#gathered, { showCursor: true })
    terminal.on('resize', this.#resized)
  }

  /** A line that stays. */
  print(line: string): void {
    if (this.#drawn.length === 0 && !this.#held && this.#waiting.length === 0) return this.#lines.write(line)
    this.#bytes += line.length + 1
    if (this.#bytes > mostWaiting) {
      this.#omitted++
      return
    }
    this.#waiting.push(line)
    this.touch()
  }

  /** Something that the frame shows has changed. */
  touch(): void {
    this.#schedule('busy')
  }

  /** Takes the frame away, and draws nothing until `release`. */
  hold(): void {
    this.#writeWaiting()
    this.#clear()
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#draw()
  }

  /** Takes the frame away for good. */
  end(): void {
    clearTimeout(this.#timer?.handle)
    this.#timer = undefined
    this.#terminal.off('resize', this.#resized)
    this.#clear()
    this.#held = false
    for (const line of this.#waiting.splice(0)) this.#lines.write(line)
    if (this.#omitted > 0) this.#lines.write(omission(this.#omitted))
  }

  #schedule(kind: 'busy' | 'idle'): void {
    if (this.#timer !== undefined && (kind === 'idle' || this.#timer.kind === 'busy')) return
    clearTimeout(this.#timer?.handle)
    const handle = setTimeout(() => {
      this.#timer = undefined
      this.#draw()
    }, times[kind])
    handle.unref()
    this.#timer = { kind, handle }
  }

  #draw(): void {
    if (this.#held) return
    if (this.#terminal.destroyed || this.#terminal.writableEnded) return
    // It still has something to take: a frame more would only come too late.
    if (this.#terminal.writableLength > 0) return this.#schedule('busy')
    const columns = this.#terminal.columns ?? 80
    const lines = this.#frame(columns, this.#terminal.rows ?? 24)
    if (columns < this.#columns) this.#eraseWrapped(columns)
    this.#writeWaiting()
    if (lines.length === 0) this.#update.clear()
    else this.#update(lines.join('\n'))
    this.#drawn = lines
    this.#columns = columns
    this.#flush()
    if (lines.length > 0) this.#schedule('idle')
  }

  #writeWaiting(): void {
    if (this.#waiting.length === 0 && this.#omitted === 0) return
    this.#update.clear()
    for (const line of this.#waiting.splice(0)) this.#gathered.text += `${line}\n`
    if (this.#omitted > 0) this.#gathered.text += `${omission(this.#omitted)}\n`
    this.#bytes = 0
    this.#omitted = 0
  }

  /** A terminal that became narrower has wrapped what was drawn: it takes more rows now than lines. */
  #eraseWrapped(columns: number): void {
    const rows = this.#drawn.map((line) => Math.max(1, Math.ceil(widthOf(line) / columns)))
    const count = rows.reduce((sum, each) => sum + each, 0)
    if (count > 0) this.#gathered.text += `\r\x1b[${count}A\x1b[J`
    this.#update.done()
  }

  #clear(): void {
    if (this.#drawn.length > 0) this.#update.clear()
    this.#drawn = []
    this.#flush()
  }

  #flush(): void {
    const { text } = this.#gathered
    this.#gathered.text = ''
    if (text === '') return
    try {
      this.#terminal.write(together(text))
    } catch {
      // It has gone; its own error listener knows.
    }
  }
}

/** Takes what log-update writes. */
class Gathered extends Writable {
  text = ''
  readonly #terminal: Terminal

  constructor(terminal: Terminal) {
    super({ decodeStrings: false })
    this.#terminal = terminal
  }

  get columns(): number {
    return this.#terminal.columns ?? 80
  }

  get rows(): number {
    return this.#terminal.rows ?? 24
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

const widthOf = (line: string): number => displayWidth(stripVTControlCharacters(line))

const omission = (lines: number): string => `(${lines} lines omitted: the terminal was too slow)`
