import type { Duplex, Readable } from 'node:stream'
import type { Host } from './fleet.js'

/**
 * How a remote command ended. `exit` is the only one that says anything about the command: `signal` means that it was
 * killed, `lost` that the connection went or a deadline passed. What a lost command did on the host is unknown.
 */
export type Ended =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'lost'; readonly because: string }

export interface ExecOptions {
  /** Piped to the command with back-pressure, then end of file. Without it the command sees end of file at once. */
  readonly stdin?: Readable | Buffer
  readonly onStdout?: (chunk: Buffer) => void
  readonly onStderr?: (chunk: Buffer) => void
  /** Milliseconds from the start to a `lost` end. */
  readonly timeout: number
  /** Milliseconds without a byte moving in either direction to a `lost` end. Default: none but `timeout`. */
  readonly idleTimeout?: number
  /** Bytes of stdin that the connection took so far. */
  readonly onSent?: (bytes: number) => void
  readonly signal?: AbortSignal
}

/** An authenticated connection to one host, whose key was verified. */
export interface Session {
  readonly host: Host
  /** False once the connection is known to be gone. A session never reconnects by itself. */
  readonly alive: boolean
  /**
   * Runs a command line in the user's login shell. Never rejects for what happens on the host or the line: that is an
   * `Ended`. Output is always drained, whether or not anybody listens. Concurrent calls are allowed, and share a small
   * number of channels (sshd's MaxSessions), queueing beyond it.
   */
  exec(command: string, options: ExecOptions): Promise<Ended>
  /**
   * A TCP connection from the host to an address as the host sees it. Rejects with the reason when
   * refused; with kind `precondition` when the host's configuration forbids it, whether or not somebody listens there.
   */
  openTcp(address: { readonly host: string; readonly port: number }, signal?: AbortSignal): Promise<Duplex>
  /** Idempotent, never rejects. */
  close(): Promise<void>
}

export interface Transport {
  /**
   * Connects, verifies the host's key, authenticates. Retries what is worth retrying (refused before the banner,
   * reset, timeout), never a wrong key or a failed login. Rejects with a DeliverError that names the host.
   */
  connect(host: Host, signal?: AbortSignal): Promise<Session>
  /** Closes what is shared between sessions (bastions). Idempotent. */
  close(): Promise<void>
}
