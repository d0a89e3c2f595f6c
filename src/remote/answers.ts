/**
 * What came back from a call. Facts and the end line carry the call's nonce; anything else (banners, a noisy profile,
 * a restart command's output) is log text. Output of a host is hostile: it is bounded, and cleaned before people see it.
 */
import { LineAssembler } from './line-assembler.js'
import { BoundedLog } from './bounded-log.js'

/** The agent's result codes. */
export const codes = {
  ok: 0,
  badCall: 10,
  precondition: 11,
  fenced: 12,
  busy: 13,
  noSpace: 14,
  verificationFailed: 15,
  restartFailed: 16,
  restartTimedOut: 17,
  lostRace: 18,
  noSuchRelease: 19,
  failed: 20,
  needAgent: 21,
  baseUnfit: 22,
  timedOut: 23,
  cutOff: 24,
} as const

export type Fact = readonly [key: string, value: string]

/**
 * `answer`: the agent said how the call ended. `unknown`: its end line never came, so what the call did on the host is
 * unknown, whatever the exit code.
 */
export type Answer =
  | {
      readonly kind: 'answer'
      readonly code: number
      readonly text: string
      readonly facts: readonly Fact[]
      readonly log: string
    }
  | {
      readonly kind: 'unknown'
      readonly because: string
      readonly log: string
      /** There was no connection, and there may be one a little later. */
      readonly transient?: true
    }

/** More facts than any answer has; a host that floods us gets an `unknown`. */
const mostFactBytes = 8 * 1024 * 1024

const mostBlank = 100

export class AnswerReader {
  readonly #nonce: string
  readonly #onLog: (line: string) => void
  readonly #redact: (text: string) => string
  readonly #log = new BoundedLog()
  readonly #facts: Fact[] = []
  #factBytes = 0
  /** Empty lines are told when a line of text follows: those before a fact are the agent's own. */
  #blank = 0
  #end: { code: number; text: string } | undefined
  readonly #stdout = new LineAssembler((line) => this.#line(line))
  readonly #stderr = new LineAssembler((line) => this.#logLine(line))

  constructor(
    nonce: string,
    onLog: (line: string) => void = () => {},
    redact: (text: string) => string = (text) => text,
  ) {
    this.#nonce = nonce
    this.#onLog = onLog
    this.#redact = redact
  }

  stdout(chunk: Buffer): void {
    this.#stdout.push(chunk)
  }

  stderr(chunk: Buffer): void {
    this.#stderr.push(chunk)
  }

  /** `because` says how the connection or command ended, for the case that the end line is missing. */
  finish(because: string): Answer {
    this.#stdout.flush()
    this.#stderr.flush()
    const log = this.#log.text()
    if (this.#factBytes > mostFactBytes)
      return { kind: 'unknown', because: 'the host sent too many facts', log }
    if (this.#end === undefined) return { kind: 'unknown', because, log }
    return { kind: 'answer', ...this.#end, facts: this.#facts, log }
  }

  #line(line: string): void {
    const mark = `@${this.#nonce} `
    if (this.#end !== undefined || !line.startsWith(mark)) return this.#logLine(line)
    this.#blank = 0
    const [key = '', value] = split(line.slice(mark.length))
    if (key === 'end') return this.#ended(value)
    this.#factBytes += line.length
    if (this.#factBytes <= mostFactBytes) this.#facts.push([key, value])
  }

  #ended(value: string): void {
    const [code = '', text] = split(value)
    if (/^\d{1,3}$/.test(code)) this.#end = { code: Number(code), text: this.#redact(text) }
  }

  #logLine(line: string): void {
    if (/^@[0-9a-f]{16} /.test(line)) return
    if (line === '') {
      this.#blank = Math.min(this.#blank + 1, mostBlank)
      return
    }
    for (; this.#blank > 0; this.#blank--) this.#onLog('')
    const clean = this.#redact(line)
    this.#log.add(clean)
    this.#onLog(clean)
  }
}

function split(text: string): [first: string, rest: string] {
  const space = text.indexOf(' ')
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)]
}
