import { messageOf } from '../../errors.js'
import type { Ended, ExecOptions } from '../../ports.js'
import type { Channel } from './channel.js'
import type { Channels } from './channels.js'
import { RunningCommand } from './run-command.js'

/** A host closes the channel of a hung command when that ends, perhaps never: its place is free for others after this. */
const lingering = 2_000

/** Runs a command on a connection, within its deadlines. Never rejects. */
export async function exec(
  channels: Channels,
  command: string,
  options: ExecOptions,
  lost: AbortSignal,
): Promise<Ended> {
  const limits = new Limits(options, lost)
  const source = options.stdin === undefined || Buffer.isBuffer(options.stdin) ? undefined : options.stdin
  // An input may fail while the command still waits for its channel; reading it later tells of the failure.
  source?.on('error', () => {})
  try {
    const start = (channel: Channel) => new RunningCommand(channel, options, limits.activity)
    const { started: running, release } = await channels.exec(command, start, limits.signal)
    void running.closed.then(release)
    void running.ended.then(() => setTimeout(release, lingering).unref())
    const stop = () => running.stop(messageOf(limits.signal.reason))
    limits.signal.addEventListener('abort', stop, { once: true })
    if (limits.signal.aborted) stop()
    return await running.ended
  } catch (error) {
    return { kind: 'lost', because: messageOf(error) }
  } finally {
    limits.end()
    // A source that was never read must not stay open; one that was read is closed already.
    source?.destroy()
  }
}

/** Everything that may cut a command short, as one signal whose reason says what it was. */
class Limits {
  readonly #controller = new AbortController()
  readonly #ends: (() => void)[] = []
  readonly #idle: NodeJS.Timeout | undefined
  readonly signal = this.#controller.signal

  constructor({ timeout, idleTimeout, signal }: ExecOptions, lost: AbortSignal) {
    this.#after(timeout, `no end within ${timeout / 1000} s`)
    if (idleTimeout !== undefined)
      this.#idle = this.#after(idleTimeout, `no byte moved for ${idleTimeout / 1000} s`)
    if (signal !== undefined) this.#follow(signal, () => 'interrupted')
    this.#follow(lost, () => messageOf(lost.reason))
  }

  /** A byte moved. */
  readonly activity = (): void => {
    this.#idle?.refresh()
  }

  end(): void {
    for (const end of this.#ends) end()
  }

  #after(ms: number, because: string): NodeJS.Timeout {
    const timer = setTimeout(() => this.#controller.abort(new Error(because)), ms)
    this.#ends.push(() => clearTimeout(timer))
    return timer
  }

  #follow(signal: AbortSignal, because: () => string): void {
    const abort = () => this.#controller.abort(new Error(because()))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#ends.push(() => signal.removeEventListener('abort', abort))
  }
}
