/**
 * What deliver asks of the world. Each port's comments are its contract; one contract suite (test/contract) runs
 * against its fake and every adapter.
 */
import type { Duplex, Readable } from 'node:stream'

// --- Git -----------------------------------------------------------------------------------------------------

export interface GitLocation {
  /** Absolute path of the app: the release's root. */
  readonly directory: string
  /** Where `directory` is in the repository: '' for the root, else like `apps/api`. */
  readonly subdirectory: string
  /** Private to deliver, shared by all work trees of the clone: `<git dir>/deliver`. Made when first needed. */
  readonly state: string
}

export interface Commit {
  readonly id: string
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: { readonly name: string; readonly email: string }
  /** Seconds since 1970, of the committer. */
  readonly time: number
  readonly subject: string
  /** The whole message, subject included. */
  readonly message: string
}

export interface TreeEntry {
  readonly kind: 'file' | 'executable' | 'link' | 'submodule'
  /** Relative to the release's root, as bytes. */
  readonly path: Buffer
  /** Bytes of the blob; undefined for a submodule. */
  readonly size: number | undefined
}

/**
 * The clone that holds the app. Nothing here touches HEAD, branches, index, work tree or configuration. Names from outside are
 * only ever given to `resolve` and `setTag`; all else takes full object ids. Failures of git are DeliverErrors that carry
 * its message.
 */
export interface Git {
  readonly location: GitLocation
  /** The id of the commit that a revision names, or undefined. */
  resolve(revision: string): Promise<string | undefined>
  /** Kind `precondition` when there is no commit yet. */
  head(): Promise<Commit>
  commit(id: string): Promise<Commit>
  /** The branch of this work tree; undefined when HEAD is detached. */
  branch(): Promise<string | undefined>
  /** All tags, the commits that they lead to, and the email addresses of those commits' authors. */
  tags(): Promise<readonly { readonly name: string; readonly commit: string; readonly author: string }[]>
  /** What differs from HEAD below `directory`, outside of `except` (relative paths). Ignored files don't count. */
  changes(
    except: readonly string[],
  ): Promise<{ readonly tracked: readonly Buffer[]; readonly untracked: number }>
  /** Files, links and submodules of a commit below `directory`, in git's order. */
  entries(commit: string, signal?: AbortSignal): AsyncIterable<TreeEntry>
  /**
   * Runs a `git fast-import` stream that makes one commit on the ref it is given, and keeps its objects as one pack. Atomic:
   * on any failure, of git or of the stream, nothing is left. The ref is private; no ref of the clone names the commit yet.
   */
  importCommit(stream: (ref: string) => AsyncIterable<Buffer>, signal?: AbortSignal): Promise<string>
  /**
   * The commit below `directory` as tar, as `git archive` makes it, with one umask and no configuration but the tree's own
   * attributes: files below `verbatim` (relative paths) come as they are whatever any attribute says. The stream ends in an
   * error unless git succeeds.
   */
  archive(
    commit: string,
    options: { readonly verbatim: readonly string[]; readonly signal?: AbortSignal },
  ): Promise<Readable>
  /** Compare-and-set: false, and nothing done, unless the tag is at `expected` (undefined: does not exist). */
  setTag(name: string, commit: string, expected: string | undefined): Promise<boolean>
  /** False, and nothing done, unless the tag is at `expected`. */
  removeTag(name: string, expected: string): Promise<boolean>
  /** Gives back the space of imported objects that nothing needs any more. Never drops an object that deliver didn't import. */
  reclaim(signal?: AbortSignal): Promise<void>
}

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

/** A key of the store and when it was written, by the store's clock, in ms since 1970. */
export interface StoredKey {
  readonly key: string
  readonly modifiedAt: number
}

/**
 * Where releases live. Keys are relative, `/`-separated, of `[A-Za-z0-9._/-]`; no part is empty or starts with a dot.
 * Two kinds of things: objects, written once and never changed, and documents, small and replaced by compare-and-set. All methods may be called concurrently, by
 * many processes; readers see a whole body or none. Failures of the store itself reject with a DeliverError.
 */
export interface Store {
  /** For people: "directory /mnt/builds". */
  readonly name: string
  /** Creates an object from a file or a buffer, durable before it returns. `exists`: the key is taken and was left alone. */
  create(
    key: string,
    body: { readonly file: string } | Buffer,
    signal?: AbortSignal,
  ): Promise<'created' | 'exists'>
  /** The size in bytes, or undefined when there is no such object. */
  size(key: string): Promise<number | undefined>
  /** The object's bytes. Rejects with kind `precondition` when there is none. The caller consumes or destroys the stream. */
  read(key: string): Promise<Readable>
  /** All objects and documents whose keys start with the prefix, sorted by key. The prefix is empty or starts a key. */
  list(prefix: string): Promise<readonly StoredKey[]>
  /** Removes an object or document; none is fine. */
  remove(key: string): Promise<void>
  readDocument(key: string): Promise<StoredDocument | undefined>
  /**
   * Writes a document if its version is still `expected` (undefined: if there is none). Of several writers with
   * one expectation exactly one gets `written`. The text is not empty. A rejection leaves open whether the text was
   * written: callers put something of their own into it, and read back.
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
