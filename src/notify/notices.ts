import type { NoticeEvent } from '../config/notify.js'
import { adviceOf } from '../errors.js'
import type { Clock } from '../ports.js'
import type { Channel } from './channels.js'
import type { Notice } from './notice.js'

/** Somebody who is told. */
export interface Listener {
  /** For warnings: `notify[0] (slack)`. */
  readonly label: string
  readonly on: readonly NoticeEvent[]
  /** Milliseconds for one notice. */
  readonly timeout: number
  /** Reads what it needs, at the first notice. */
  open(signal: AbortSignal): Promise<Channel>
}

interface Room {
  readonly clock: Clock
  readonly warn: (text: string) => void
}

/** What a beginning that is still under way may take when the end is there already, in ms. */
const lastChance = 1000

/**
 * Tells listeners in the background, each in order, each within its own time. Nothing here rejects or makes anybody wait: what
 * was not told is a warning.
 */
export class Notices {
  readonly #queues: readonly Queue[]

  constructor(listeners: readonly Listener[], room: Room) {
    this.#queues = listeners.map((listener) => new Queue(listener, room))
  }

  send(notice: Notice): void {
    for (const queue of this.#queues) queue.add(notice)
  }

  /** Resolves when all is told or given up: after the longest time of a listener, and a second. */
  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()))
  }
}

class Queue {
  readonly #listener: Listener
  readonly #room: Room
  #channel: Promise<Channel> | undefined
  #told: Promise<void> = Promise.resolve()
  /** Of notices that are under way or wait. */
  readonly #open = new Set<AbortController>()

  constructor(listener: Listener, room: Room) {
    this.#listener = listener
    this.#room = room
  }

  add(notice: Notice): void {
    if (!this.#listener.on.includes(notice.event)) return
    for (const earlier of this.#open) this.#hurry(earlier)
    const controller = new AbortController()
    this.#open.add(controller)
    this.#told = this.#told.then(() => this.#tell(notice, controller))
  }

  close(): Promise<void> {
    return this.#told
  }

  /** What the end of a run has to say is worth more than what its beginning had. */
  #hurry(earlier: AbortController): void {
    void this.#room.clock.sleep(lastChance, earlier.signal).then(
      () => earlier.abort(),
      () => undefined,
    )
  }

  async #tell(notice: Notice, controller: AbortController): Promise<void> {
    const { label, timeout } = this.#listener
    const over = this.#room.clock.sleep(timeout, controller.signal).then(
      () => 'no answer in time',
      () => 'no answer in time',
    )
    const sent = this.#sendWith(notice, controller.signal).then(
      () => undefined,
      (error: unknown) => (controller.signal.aborted ? over : adviceOf(error)),
    )
    const because = await Promise.race([sent, over])
    // Also ends the timer.
    controller.abort()
    this.#open.delete(controller)
    if (because !== undefined) this.#room.warn(`${label}: ${notice.event} was not told: ${because}`)
  }

  async #sendWith(notice: Notice, signal: AbortSignal): Promise<void> {
    const channel = await (this.#channel ??= this.#listener.open(signal))
    signal.throwIfAborted()
    await channel.send(notice, signal)
  }
}
