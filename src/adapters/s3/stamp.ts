import { randomBytes } from 'node:crypto'

/**
 * A version of a document is its ETag, the hash of its bytes, so equal texts would be equal versions. A stamp makes the
 * bytes of each write differ: a last line of 64 random spaces and tabs, which readers of JSON don't see.
 */
export interface Stamped {
  readonly text: string
  /** Undefined: somebody else wrote it. */
  readonly stamp: string | undefined
}

const stampAtEnd = /\n([ \t]{64})\n$/

export function newStamp(): string {
  return [...randomBytes(8)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .replaceAll('0', ' ')
    .replaceAll('1', '\t')
}

export function stamped(text: string, stamp: string): string {
  return `${text}\n${stamp}\n`
}

export function unstamped(body: string): Stamped {
  const stamp = stampAtEnd.exec(body)?.[1]
  return stamp === undefined ? { text: body, stamp } : { text: body.slice(0, -66), stamp }
}
