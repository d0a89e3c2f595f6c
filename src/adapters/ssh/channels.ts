import { abortReason } from './abort.js'
import type { Channel, ChannelOpener } from './channel.js'
import { Semaphore } from './semaphore.js'

/** sshd allows 10 sessions per connection by default (MaxSessions); staying well below leaves room for its slower counting. */
const maxChannels = 4

/** Waits between tries when the host refuses a channel though none of ours is open: it may still be closing the last. */
const refusedDelays = [50, 100, 200, 400, 800]

export interface Opened<T> {
  readonly started: T
  /** Gives the place back; call it when the channel is closed. */
  readonly release: () => void
}

/** Opens the channels of one connection, a few at a time, and fewer when the host allows fewer. */
export class Channels {
  readonly #client: ChannelOpener
  readonly #places = new Semaphore(maxChannels)
  readonly #freed = new Set<() => void>()
  #open = 0

  constructor(client: ChannelOpener) {
    this.#client = client
  }

  /**
   * Runs a command. `start` is called with its channel, at once and not a tick later: a short command's exit may be in the same
   * packet as the confirmation of its start. Rejects with the reason when the host refuses, and with the signal's reason.
   */
  async exec<T>(command: string, start: (channel: Channel) => T, signal: AbortSignal): Promise<Opened<T>> {
    const giveBack = await this.#places.acquire(signal)
    try {
      for (let refusals = 0; ;) {
        signal.throwIfAborted()
        const attempt = await this.#tryExec(command, start, signal)
        if (attempt !== 'refused') return { started: attempt.started, release: this.#opened(giveBack) }
        // MaxSessions: the host takes another once one of ours is closed.
        if (this.#open > 0) await this.#nextClose(signal)
        else await delay(refusedDelays[refusals++], signal)
      }
    } catch (error) {
      giveBack()
      throw error
    }
  }

  #opened(giveBack: () => void): () => void {
    this.#open++
    let released = false
    return () => {
      if (released) return
      released = true
      this.#open--
      giveBack()
      for (const wake of this.#freed) wake()
    }
  }

  #tryExec<T>(
    command: string,
    start: (channel: Channel) => T,
    signal: AbortSignal,
  ): Promise<{ started: T } | 'refused'> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(abortReason(signal))
      signal.addEventListener('abort', abort, { once: true })
      this.#client.exec(command, (error, channel) => {
        signal.removeEventListener('abort', abort)
        if (error !== undefined) return isOpenFailure(error) ? resolve('refused') : reject(error)
        if (signal.aborted) abandon(channel)
        else resolve({ started: start(channel) })
      })
    })
  }

  #nextClose(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        this.#freed.delete(wake)
        signal.removeEventListener('abort', abort)
        finish()
      }
      const wake = () => settle(resolve)
      const abort = () => settle(() => reject(abortReason(signal)))
      this.#freed.add(wake)
      signal.addEventListener('abort', abort, { once: true })
    })
  }
}

/** Nobody waits for this channel any more. */
function abandon(channel: Channel): void {
  channel.on('error', () => {})
  channel.resume()
  channel.stderr.resume()
  channel.close()
}

/** Failures to open a channel carry the protocol's reason code; failures of the connection don't. */
function isOpenFailure(error: Error): boolean {
  return 'reason' in error && typeof error.reason === 'number'
}

function delay(ms: number | undefined, signal: AbortSignal): Promise<void> {
  if (ms === undefined) return Promise.reject(new Error('the host refuses to open a session (MaxSessions?)'))
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(abortReason(signal))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}
