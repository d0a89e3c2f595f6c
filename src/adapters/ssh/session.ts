import { setMaxListeners } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { DeliverError, messageOf } from '../../errors.js'
import type { Ended, ExecOptions, Host, Session } from '../../ports.js'
import { abortReason } from './abort.js'
import { Channels } from './channels.js'
import type { Destination } from './destination.js'
import { shownAddress } from './destination.js'
import { exec } from './exec.js'
import { watchSilence } from './keepalive.js'
import { Tunnel } from './tunnel.js'

/** How long a goodbye may take before the connection is cut. */
const closeTimeout = 2_000

const refusals: Readonly<Record<number, string>> = {
  1: 'sshd forbids it (AllowTcpForwarding, PermitOpen or DisableForwarding)',
  2: 'connection refused or unreachable from there',
  3: 'the host knows no TCP forwarding',
  4: 'the host is short of resources',
}

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
    const target = shownAddress(address.host, address.port)
    return new Promise((resolve, reject) => {
      const lost = this.#lost.signal
      const settle = (finish: () => void) => {
        signal?.removeEventListener('abort', abort)
        lost.removeEventListener('abort', gone)
        finish()
      }
      const refuse = (because: string, cause?: unknown) =>
        settle(() => reject(new DeliverError('failed', `no connection to ${target}: ${because}`, { cause })))
      const abort = () => settle(() => reject(abortReason(signal)))
      const gone = () => refuse(messageOf(lost.reason))
      if (signal?.aborted === true) return abort()
      if (lost.aborted) return gone()
      signal?.addEventListener('abort', abort, { once: true })
      lost.addEventListener('abort', gone, { once: true })
      try {
        this.#client.forwardOut('127.0.0.1', 0, address.host, address.port, (error, channel) => {
          if (error !== undefined) return refuse(reasonOf(error), error)
          const tunnel = new Tunnel(channel)
          // Too late: nobody is left to close it.
          if (signal?.aborted === true) tunnel.destroy()
          settle(() => resolve(tunnel))
        })
      } catch (error) {
        refuse(messageOf(error), error)
      }
    })
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

function reasonOf(error: Error): string {
  const reason = 'reason' in error && typeof error.reason === 'number' ? refusals[error.reason] : undefined
  return reason ?? error.message
}
