import { Writable } from 'node:stream'
import { vi } from 'vitest'
import xterm from '@xterm/headless'

/** A terminal of its own: what is written to it can be looked at as a person would. */
export class Emulator extends Writable {
  columns: number
  rows: number
  readonly isTTY = true
  /** Takes nothing while true, as one that was stopped with Ctrl-S. */
  stopped = false
  writes = 0
  readonly #terminal: InstanceType<typeof xterm.Terminal>
  readonly #held: (() => void)[] = []

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false, highWaterMark: 16 })
    this.columns = columns
    this.rows = rows
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true })
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.writes++
      this.#terminal.write(chunk)
      done()
    }
    if (this.stopped) this.#held.push(take)
    else take()
  }

  go(): void {
    this.stopped = false
    for (const take of this.#held.splice(0)) take()
  }

  resize(columns: number, rows: number): void {
    this.columns = columns
    this.rows = rows
    this.#terminal.resize(columns, rows)
    this.emit('resize')
  }

  /** All lines, also those that were scrolled away; without empty ones at the end. */
  async lines(): Promise<readonly string[]> {
    let taken = false
    const all = new Promise<void>((resolve) => this.#terminal.write('', resolve)).then(() => (taken = true))
    // It takes what is written a little later, by timers.
    while (vi.isFakeTimers() && !taken) await vi.advanceTimersByTimeAsync(1)
    await all
    const { active } = this.#terminal.buffer
    const lines = Array.from({ length: active.length }, (_, y) => {
      return active.getLine(y)?.translateToString(true) ?? ''
    })
    return lines.join('\n').trimEnd().split('\n')
  }

  get column(): number {
    return this.#terminal.buffer.active.cursorX
  }
}
