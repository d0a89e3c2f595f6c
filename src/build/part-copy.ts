import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { PlacedPart } from './known-parts.js'

/** A part of an earlier archive is not what it was. */
export class DamagedPart extends Error {
  override readonly name = 'DamagedPart'
}

const readSize = 1024 * 1024

export interface CopyRequest {
  readonly archive: string
  readonly parts: readonly PlacedPart[]
  readonly signal?: AbortSignal | undefined
}

/** The bytes of parts, as an earlier archive has them, verified on the way. Throws DamagedPart for whatever isn't as it was, at its end at the latest. */
export async function* copyParts({ archive, parts, signal }: CopyRequest): AsyncGenerator<Buffer> {
  for (const part of parts) {
    const hash = createHash('sha256')
    try {
      for await (const chunk of rangeOf(archive, part)) {
        signal?.throwIfAborted()
        hash.update(chunk)
        yield chunk
      }
    } catch (cause) {
      signal?.throwIfAborted()
      throw new DamagedPart(`${archive} can't be read`, { cause })
    }
    if (hash.digest('hex') !== part.sha256) throw new DamagedPart(`${archive} has other bytes than it had`)
  }
}

async function* rangeOf(archive: string, { offset, size }: PlacedPart): AsyncGenerator<Buffer> {
  if (size === 0) return
  yield* createReadStream(archive, {
    start: offset,
    end: offset + size - 1,
    highWaterMark: readSize,
  }) as AsyncIterable<Buffer>
}
