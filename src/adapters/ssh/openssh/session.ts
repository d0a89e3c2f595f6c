import { setMaxListeners } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Ended, ExecOptions, Host, Session } from '../../../ports.js'
import { Channels } from '../channels.js'
import { exec } from '../exec.js'
import { openTcp } from '../open-tcp.js'
import { MuxConnection } from './connection.js'
import type { Control } from './control-socket.js'
import type { MasterFiles } from './master.js'

/** How long a goodbye may take before the master is ended the hard way. */
const closeTimeout = 2_000

/** A connection that a master of the system's ssh holds, verified and logged in. */
export class OpenSshSession implements Session {
  readonly host: Host
  readonly #files: MasterFiles
  readonly #pid: number
  readonly #connection: MuxConnection
  readonly #channels: Channels
  readonly #lost = new AbortController()
  readonly #onClosed: () => void
  #gone: () => void = () => {}
  readonly #closed: Promise<void>

  /** `onClosed`: when its files are gone, too. */
  constructor(host: Host, files: MasterFiles, control: Control, onClosed: () => void) {
    this.host = host
    this.#files = files
    this.#pid = control.pid
    this.#onClosed = onClosed
    // Every command in the queue listens; Node would take more than ten for a leak.
    setMaxListeners(0, this.#lost.signal)
    this.#closed = new Promise((resolve) => {
      this.#gone = resolve
    })
    this.#connection = new MuxConnection(control.socket, control.frames, () => {
      const said = files.said(1)
      this.#lose(`the connection was lost${said === '' ? '' : `: ${said}`}`)
      this.#gone()
    })
    this.#channels = new Channels(this.#connection)
  }

  get alive(): boolean {
    return !this.#lost.signal.aborted
  }

  exec(command: string, options: ExecOptions): Promise<Ended> {
    return exec(this.#channels, command, options, this.#lost.signal)
  }

  openTcp(address: { readonly host: string; readonly port: number }, signal?: AbortSignal): Promise<Duplex> {
    return openTcp({ client: this.#connection, address, lost: this.#lost.signal, signal })
  }

  async close(): Promise<void> {
    const open = this.alive
    this.#lose('the session was closed')
    // While its socket is open the master lives, so the number is its own. TERM lets it say goodbye to the host.
    if (open) signalProcess(this.#pid, 'SIGTERM')
    const timer = setTimeout(() => {
      if (open) signalProcess(this.#pid, 'SIGKILL')
      this.#connection.destroy()
    }, closeTimeout)
    await this.#closed
    clearTimeout(timer)
    await this.#files.remove()
    this.#onClosed()
  }

  #lose(because: string): void {
    this.#lost.abort(new Error(because))
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  // 0 and 1 would be our own group, and everybody.
  if (pid <= 1) return
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}
