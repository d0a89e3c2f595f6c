import { StringDecoder } from 'node:string_decoder'

/** A line longer than this is given in pieces, so that output without line breaks needs no more memory. */
const longest = 64 * 1024

/** Lines of a program's output. A carriage return ends a line too, as progress bars use it. */
export class LineSplitter {
  private readonly decoder = new StringDecoder('utf8')
  private rest = ''

  constructor(private readonly onLine: (line: string) => void) {}

  push(chunk: Buffer): void {
    const lines = (this.rest + this.decoder.write(chunk)).split(/\r\n|\n|\r(?=.)/s)
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.emit(line)
    while (this.rest.length > longest) {
      this.emit(this.rest.slice(0, longest))
      this.rest = this.rest.slice(longest)
    }
  }

  end(): void {
    this.rest += this.decoder.end()
    if (this.rest !== '') this.emit(this.rest)
    this.rest = ''
  }

  private emit(line: string): void {
    for (let start = 0; start === 0 || start < line.length; start += longest) {
      this.onLine(line.slice(start, start + longest).replace(/\r$/, ''))
    }
  }
}
