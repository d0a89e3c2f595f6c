import { Readable } from 'node:stream'

/** An input that has a beginning and stays open: what reads it ends when the connection does. */
export function openInput(beginning: Buffer): Readable {
  const input = new Readable({ read: () => undefined })
  input.push(beginning)
  return input
}
