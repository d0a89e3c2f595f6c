import type { Readable } from 'node:stream'

/** Bytes that an alias may hold. */
export interface AliasContent {
  /** Tells it from all other content; printable ASCII. */
  readonly label: string
  /** Whether these bytes are that content. Consumes the stream. */
  matches(bytes: Readable): Promise<boolean>
}

/**
 * One object under a fixed key, beside what the store keeps, for scripts that know only that key. It is replaced as a whole:
 * readers see the old bytes or the new. Failures reject with a DeliverError.
 */
export interface Alias {
  /** For people: "s3://builds/api/api.tar". */
  readonly name: string
  /** Whether it holds this. Bytes that somebody else put there are not it. */
  holds(content: AliasContent): Promise<boolean>
  /** Durable before it returns. The file must be that content. */
  replace(file: string, content: AliasContent, signal?: AbortSignal): Promise<void>
}
