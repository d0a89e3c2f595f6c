/** What is kept of output that nobody may want to see. */
const most = 100

export interface WithheldLine {
  readonly line: string
  readonly host?: string
}

/** The last lines of output that was not shown, for when it turns out to matter. */
export class Withheld {
  #lines: WithheldLine[] = []

  add({ line, host }: WithheldLine): void {
    this.#lines.push(host === undefined ? { line } : { line, host })
    if (this.#lines.length > most) this.#lines.shift()
  }

  take(): readonly WithheldLine[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }
}
