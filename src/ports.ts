/**
 * What deliver asks of the world. Each port's comments are its contract; one contract suite (test/contract) runs
 * against its fake and every adapter.
 */
import type { Duplex, Readable } from 'node:stream'

// --- Fleet ---------------------------------------------------------------------------------------------------

/** One server of the fleet. `name` is unique in the fleet, shown to people and matched by `--hosts`. */
export interface Host {
  readonly name: string
  /** DNS name, IP address, or an alias of the user's ssh config. */
  readonly address: string
  readonly port?: number
  readonly user?: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Fleet {
  /** For people: "3 hosts of the config". */
  readonly name: string
  /**
   * The hosts that run the app right now. May be called often; each call asks again. Never returns two hosts of one
   * name. An empty fleet is a result here; refusing it is the command's business. Errors are DeliverErrors.
   */
  hosts(signal?: AbortSignal): Promise<readonly Host[]>
}

// --- Transport -----------------------------------------------------------------------------------------------

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
  /** A TCP connection from the host to an address as the host sees it. Rejects with the reason when refused. */
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

// --- Store ---------------------------------------------------------------------------------------------------

/** A small mutable document and the version token that a conditional write needs. */
export interface StoredDocument {
  readonly text: string
  readonly version: string
  /** When this version was written, by the store's clock, in ms since 1970. */
  readonly modifiedAt: number
  /** The store's clock at the time of reading, in ms since 1970. Ages are `now - modifiedAt`, never our own clock. */
  readonly now: number
}

/**
 * Where releases live. Keys are relative, `/`-separated, of `[A-Za-z0-9._/-]`. Two kinds of things: objects, written once and
 * never changed, and documents, small and replaced by compare-and-set. All methods may be called concurrently, by
 * many processes; readers see a whole body or none. Failures of the store itself reject with a DeliverError.
 */
export interface Store {
  /** For people: "directory /mnt/builds". */
  readonly name: string
  /** Creates an object from a file or a buffer, durable before it returns. `exists`: the key is taken and was left alone. */
  create(key: string, body: { readonly file: string } | Buffer, signal?: AbortSignal): Promise<'created' | 'exists'>
  /** The size in bytes, or undefined when there is no such object. */
  size(key: string): Promise<number | undefined>
  /** The object's bytes. Rejects with kind `precondition` when there is none. The caller consumes or destroys the stream. */
  read(key: string): Promise<Readable>
  /** Keys of all objects that start with the prefix, sorted. */
  list(prefix: string): Promise<readonly string[]>
  /** Removes an object or document; none is fine. */
  remove(key: string): Promise<void>
  readDocument(key: string): Promise<StoredDocument | undefined>
  /**
   * Writes a document if its version is still `expected` (undefined: if there is none). Of several writers with
   * one expectation exactly one gets `written`.
   */
  writeDocument(
    key: string,
    text: string,
    expected: string | undefined,
  ): Promise<{ readonly outcome: 'written'; readonly version: string } | { readonly outcome: 'conflict' }>
}

// --- Clock, Reporter -----------------------------------------------------------------------------------------

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after that many milliseconds, rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
