import { DeliverError } from '../../errors.js'
import type { Session } from '../../ports.js'
import { unlessAborted } from './abort.js'
import { Semaphore } from './semaphore.js'

/** Every new connection through a bastion is one for its sshd, too; above ten, OpenSSH starts to drop some. */
const perBastion = 5

export interface Bastion {
  readonly session: Session
  /** Limits the connections that are being opened through it. */
  readonly opening: Semaphore
}

interface Shared {
  readonly connecting: Promise<Bastion>
  readonly abort: AbortController
  session?: Session
}

/** Connections to bastions, each shared by all hosts behind it. */
export class Bastions {
  readonly #shared = new Map<string, Shared>()

  /**
   * The bastion of that key, connected anew if there is none or it was lost. The connection belongs to all who wait
   * for it, so one caller's signal ends only that caller's wait.
   */
  get(
    key: string,
    connect: (signal: AbortSignal) => Promise<Session>,
    signal?: AbortSignal,
  ): Promise<Bastion> {
    const known = this.#shared.get(key)
    const usable = known !== undefined && known.session?.alive !== false
    return unlessAborted((usable ? known : this.#connect(key, connect)).connecting, signal)
  }

  async close(): Promise<void> {
    const all = [...this.#shared.values()]
    this.#shared.clear()
    for (const { abort } of all)
      abort.abort(new DeliverError('failed', 'the connection was given up: deliver is ending'))
    await Promise.all(
      all.map(({ connecting }) => connecting.then(({ session }) => session.close()).catch(() => undefined)),
    )
  }

  #connect(key: string, connect: (signal: AbortSignal) => Promise<Session>): Shared {
    const abort = new AbortController()
    const connecting = connect(abort.signal).then((session) => {
      shared.session = session
      return { session, opening: new Semaphore(perBastion) }
    })
    const shared: Shared = { connecting, abort }
    this.#shared.set(key, shared)
    connecting.catch(() => {
      if (this.#shared.get(key) === shared) this.#shared.delete(key)
    })
    return shared
  }
}
