import { StringDecoder } from 'node:string_decoder'

/** A line longer than this is given in pieces, so that output without line breaks needs no more memory. */
const longest = 64 * 1024

/** What hides secrets in text. */
export interface LineRedactor {
  redact(text: string): string
  /** Only secrets that are there from end to end, for text that more follows. */
  redactWhole(text: string): string
  /** Characters that must follow a place before text is cut there, so that no cut tears a secret. */
  readonly reach: number
}

const none: LineRedactor = { redact: (text) => text, redactWhole: (text) => text, reach: 0 }

/** Lines of a program's output. A carriage return ends a line too, as progress bars use it. */
export class LineSplitter {
  private readonly decoder = new StringDecoder('utf8')
  private rest = ''

  constructor(
    private readonly onLine: (line: string) => void,
    private readonly redactor: LineRedactor = none,
  ) {}

  push(chunk: Buffer): void {
    const lines = (this.rest + this.decoder.write(chunk)).split(/\r\n|\n|\r(?=.)/s)
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.emit(line)
    const most = longest + this.redactor.reach
    if (this.rest.length > most) this.rest = this.redactor.redactWhole(this.rest)
    while (this.rest.length > most) {
      this.onLine(this.rest.slice(0, longest))
      this.rest = this.rest.slice(longest)
    }
  }

  end(): void {
    this.rest += this.decoder.end()
    if (this.rest !== '') this.emit(this.rest)
    this.rest = ''
  }

  private emit(line: string): void {
    const clean = this.redactor.redact(line.replace(/\r$/, ''))
    for (let start = 0; start === 0 || start < clean.length; start += longest)
      this.onLine(clean.slice(start, start + longest))
  }
}
