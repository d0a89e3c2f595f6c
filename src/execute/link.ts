import type { Duplex } from 'node:stream'
import { adviceOf, DeliverError } from '../errors.js'
import type { Host, Session, Transport } from '../ports.js'
import type { Answer } from '../remote/answers.js'
import type { AgentCall } from '../remote/wire.js'
import { withKnown } from '../remote/call.js'
import { callAgent, type AgentCallOptions } from './agent-client.js'

/**
 * Our line to one host for a whole run: one session, opened when first needed and opened again when it was lost. A
 * call that was under way when the line went is `unknown`; whoever made it reads the host's state back.
 */
export class HostLink {
  readonly host: Host
  readonly #transport: Transport
  readonly #path: string
  readonly #redact: ((text: string) => string) | undefined
  #session: Promise<Session> | undefined
  #tools: ReadonlySet<string> = new Set()
  #closed = false

  constructor(options: {
    readonly host: Host
    readonly transport: Transport
    readonly path: string
    /** Hides secrets in what the host prints. */
    readonly redact?: (text: string) => string
  }) {
    this.host = options.host
    this.#transport = options.transport
    this.#path = options.path
    this.#redact = options.redact
  }

  /** Connects if needed. Rejects with the transport's DeliverError. */
  async session(signal?: AbortSignal): Promise<Session> {
    if (this.#closed) throw new Error(`${this.host.name}: the connection was closed`)
    const current = this.#session
    if (current !== undefined) {
      const session = await current.catch(() => undefined)
      if (session?.alive === true) return session
      if (this.#session === current) this.#session = undefined
      this.#tools = new Set()
      if (session !== undefined) await session.close()
    }
    this.#session ??= this.#transport.connect(this.host, signal)
    return this.#session
  }

  /** What this host can do, as it told: calls that follow needn't try it again. Forgotten with the connection. */
  knows(tools: ReadonlySet<string>): void {
    this.#tools = tools
  }

  /** One agent call. Never rejects: a host that can't be reached gives `unknown`. */
  async call(call: AgentCall, options: AgentCallOptions): Promise<Answer> {
    let session: Session
    try {
      session = await this.session(options.signal)
    } catch (error) {
      const transient = error instanceof DeliverError && error.transient
      return { kind: 'unknown', because: adviceOf(error), log: '', ...(transient ? { transient } : {}) }
    }
    const redact = this.#redact
    return callAgent(session, this.#path, withKnown(call, this.#tools), {
      ...options,
      ...(redact === undefined ? {} : { redact }),
    })
  }

  async openTcp(
    address: { readonly host: string; readonly port: number },
    signal?: AbortSignal,
  ): Promise<Duplex> {
    return (await this.session(signal)).openTcp(address, signal)
  }

  async close(): Promise<void> {
    this.#closed = true
    const session = await this.#session?.catch(() => undefined)
    await session?.close()
  }
}
