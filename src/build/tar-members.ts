import type { ManifestBuilder } from './manifest-builder.js'
import { broken } from './tar-error.js'

/** The members of a tar that a builder sees too, without the end mark, so that others can follow. */
export async function* tarMembers(
  source: AsyncIterable<Buffer>,
  builder: ManifestBuilder,
): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of source) {
    builder.push(chunk)
    const seen = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const decided = seen.length - builder.undecided
    if (decided > 0) yield seen.subarray(0, decided)
    // A copy: what is left of a chunk must not keep all of it.
    held = Buffer.from(seen.subarray(decided))
  }
  builder.endPiece()
}

const blockSize = 512
/** More than what git writes before the first entry below a prefix. */
const longestLead = 64 * 1024

/** A tar of `git archive --prefix` without its commit and without the directory of the prefix, which are its first members. */
export async function* withoutLead(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of source) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    const length = leadLength(head)
    if (length === undefined && head.length < longestLead) continue
    if (length === undefined) throw broken('it begins with no directory')
    yield head.subarray(length)
    head = undefined
  }
  if (head !== undefined) throw broken('it ends before its first member')
}

/** Undefined: more is needed. */
function leadLength(head: Buffer): number | undefined {
  for (let at = 0; at + blockSize <= head.length;) {
    const type = head.toString('latin1', at + 156, at + 157)
    if (type === '5') return at + blockSize
    if (type !== 'g' && type !== 'x') throw broken('it begins with no directory')
    const size = parseInt(head.toString('latin1', at + 124, at + 135), 8)
    at += blockSize + Math.ceil(size / blockSize) * blockSize
  }
  return undefined
}
