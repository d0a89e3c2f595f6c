import { setMaxListeners } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import type { Ended, ExecOptions, Host, Session } from '../../ports.js'
import { Channels } from './channels.js'
import type { Destination } from './destination.js'
import { exec } from './exec.js'
import { watchSilence } from './keepalive.js'
import { openTcp } from './open-tcp.js'

/** How long a goodbye may take before the connection is cut. */
const closeTimeout = 2_000

/** A connection that is verified and logged in. */
export class SshSession implements Session {
  readonly host: Host
  readonly #client: Client
  readonly #socket: Duplex
  readonly #channels: Channels
  readonly #lost = new AbortController()
  readonly #closed: Promise<void>
  readonly #stopWatch: () => void
  #lastError: Error | undefined

  constructor(host: Host, destination: Destination, client: Client, socket: Duplex) {
    this.host = host
    this.#client = client
    this.#socket = socket
    this.#channels = new Channels(client)
    // Every command in the queue listens; Node would take more than ten for a leak.
    setMaxListeners(0, this.#lost.signal)
    // Stays for the client's whole life, see handshake.ts.
    client.on('error', (error) => {
      this.#lastError ??= error
    })
    const gone = () => {
      this.#lose(
        `the connection was lost${this.#lastError === undefined ? '' : `: ${this.#lastError.message}`}`,
      )
      client.destroy()
      socket.destroy()
    }
    this.#closed = new Promise((resolve) => {
      client.once('close', resolve)
      // Between the login and now the other side may have gone.
      if (socket.destroyed) resolve()
    })
    // `end` as well: of a forwarded connection the other half may stay open.
    client.once('end', gone)
    client.once('close', gone)
    this.#stopWatch = watchSilence(socket, destination.keepalive, (because) => {
      this.#lose(`the connection was lost: ${because}`)
      client.destroy()
      socket.destroy()
    })
    if (socket.destroyed) gone()
  }

  get alive(): boolean {
    return !this.#lost.signal.aborted
  }

  async exec(command: string, options: ExecOptions): Promise<Ended> {
    return exec(this.#channels, command, options, this.#lost.signal)
  }

  openTcp(address: { readonly host: string; readonly port: number }, signal?: AbortSignal): Promise<Duplex> {
    return openTcp({ client: this.#client, address, lost: this.#lost.signal, signal })
  }

  async close(): Promise<void> {
    this.#lose('the session was closed')
    this.#client.end()
    const timer = setTimeout(() => this.#socket.destroy(), closeTimeout)
    await this.#closed
    clearTimeout(timer)
  }

  #lose(because: string): void {
    this.#stopWatch?.()
    this.#lost.abort(new Error(because))
  }
}
