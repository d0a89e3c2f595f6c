import type { Readable } from 'node:stream'

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

export interface CreateOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the number of bytes that have been written, while a large body is. */
  readonly onProgress?: ((done: number) => void) | undefined
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
    options?: CreateOptions,
  ): Promise<'created' | 'exists'>
  /** The size in bytes, or undefined when there is no such object. */
  size(key: string): Promise<number | undefined>
  /** The object's bytes. Rejects with kind `precondition` when there is none. The caller consumes or destroys the stream. */
  read(key: string): Promise<Readable>
  /** All objects and documents whose keys start with the prefix, sorted by key. The prefix is empty or starts a key. */
  list(prefix: string): Promise<readonly StoredKey[]>
  /**
   * Ends uploads of keys under a prefix that began longer ago than `age` ms and never ended, and gives their keys. A store
   * that has no such thing lacks the method.
   */
  abandonUploads?(prefix: string, age: number): Promise<readonly string[]>
  /** The keys that abandonUploads would end the uploads of. There where that is. */
  unfinishedUploads?(prefix: string, age: number): Promise<readonly string[]>
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
