import { messageOf } from '../../errors.js'
import type { Ended, ExecOptions } from '../../ports.js'
import type { Channel } from './channel.js'
import { pump } from './stdin-pump.js'

/** How long output may stay silent after the command's exit, and how long it may go on at most. */
const afterExit = { quiet: 5_000, total: 15_000 }

/** A running command, from its open channel to how it ended. */
export class RunningCommand {
  /** Settles once; never rejects. */
  readonly ended: Promise<Ended>
  /** Resolves when the host has closed the channel, too. That may be long after `ended`. */
  readonly closed: Promise<void>
  readonly #channel: Channel
  readonly #options: ExecOptions
  readonly #onActivity: () => void
  #settle: (ended: Ended) => void = () => {}
  readonly #over = new AbortController()
  #exit: Ended | undefined
  #quiet: NodeJS.Timeout | undefined
  #total: NodeJS.Timeout | undefined

  constructor(channel: Channel, options: ExecOptions, onActivity: () => void) {
    this.#channel = channel
    this.#options = options
    this.#onActivity = onActivity
    this.ended = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.closed = new Promise((resolve) => channel.once('close', resolve))
    this.#listen()
    void this.#send()
  }

  /** Ends it from our side. What is known of the command's exit still counts. */
  stop(because: string): void {
    this.#finish(this.#exit ?? { kind: 'lost', because })
  }

  #listen(): void {
    const { onStdout, onStderr } = this.#options
    // Without these listeners a finished channel would never close. The error listener is for writes after its end.
    this.#channel.on('data', (chunk: Buffer) => this.#received(chunk, onStdout))
    this.#channel.stderr.on('data', (chunk: Buffer) => this.#received(chunk, onStderr))
    this.#channel.on('error', () => {})
    this.#channel.stderr.on('error', () => {})
    this.#channel.once('exit', (code: number | null, signal?: string) => this.#exited(code, signal))
    // A channel that closes without an exit says nothing about the command: the connection went, or its sshd was killed.
    this.#channel.once('close', () => this.stop('the channel was closed without an exit status'))
  }

  #received(chunk: Buffer, listener: ((chunk: Buffer) => void) | undefined): void {
    if (this.#over.signal.aborted) return
    this.#onActivity()
    this.#quiet?.refresh()
    try {
      listener?.(chunk)
    } catch (error) {
      // The library would take an exception here for a broken connection.
      this.stop(`its output could not be handled: ${messageOf(error)}`)
    }
  }

  #exited(code: number | null, signal: string | undefined): void {
    this.#exit =
      typeof code === 'number'
        ? { kind: 'exit', code }
        : signal === undefined
          ? { kind: 'lost', because: 'the host gave no exit status' }
          : { kind: 'signal', signal }
    // Output may still be on its way. But a background child that holds our stdout keeps the channel open for ever.
    this.#quiet = setTimeout(() => this.stop(''), afterExit.quiet)
    this.#total = setTimeout(() => this.stop(''), afterExit.total)
  }

  async #send(): Promise<void> {
    const onSent = (bytes: number) => {
      if (this.#over.signal.aborted) return
      this.#onActivity()
      this.#options.onSent?.(bytes)
    }
    try {
      await pump({ channel: this.#channel, stdin: this.#options.stdin, over: this.#over.signal, onSent })
    } catch (error) {
      this.stop(`its input failed: ${messageOf(error)}`)
    }
  }

  #finish(ended: Ended): void {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    clearTimeout(this.#quiet)
    clearTimeout(this.#total)
    this.#channel.close()
    this.#settle(ended)
  }
}
