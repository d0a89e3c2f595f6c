import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { ArchiveFormat } from '../release/release.js'
import { decompress } from './decompressor.js'
import type { PlacedPart } from './known-parts.js'

/** A part of an earlier archive is not what it was. */
export class DamagedPart extends Error {
  override readonly name = 'DamagedPart'
}

const encodings = { 'tar.zst': 'zstd', 'tar.gz': 'gzip', tar: 'none' } as const
const readSize = 1024 * 1024

export interface CopyRequest {
  readonly archive: string
  readonly format: ArchiveFormat
  readonly parts: readonly PlacedPart[]
  /** Is shown their tar members, in order. */
  readonly observe: (members: Buffer) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * The bytes of parts, as an earlier archive has them, verified on the way; their members are unpacked beside, for somebody wants the hash of
 * the whole tar. Throws DamagedPart for whatever isn't as it was, at the end at the latest.
 */
export async function* copyParts(request: CopyRequest): AsyncGenerator<Buffer> {
  const { archive, format, parts, observe, signal } = request
  const packed = new PassThrough({ highWaterMark: 4 * readSize })
  packed.on('error', () => undefined)
  const observed = observeMembers(packed, format, observe)
  // Awaited at the end, or told by a copy that can't go on.
  observed.catch(() => undefined)
  try {
    for (const part of parts) {
      const hash = createHash('sha256')
      for await (const chunk of rangeOf(archive, part)) {
        signal?.throwIfAborted()
        hash.update(chunk)
        if (!packed.write(chunk)) await Promise.race([once(packed, 'drain'), observed])
        yield chunk
      }
      if (hash.digest('hex') !== part.sha256) throw new DamagedPart(`${archive} has other bytes than it had`)
    }
    packed.end()
    const size = await observed
    if (size !== parts.reduce((sum, { tarSize }) => sum + tarSize, 0))
      throw new DamagedPart(`${archive} unpacks to ${size} bytes`)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof DamagedPart) throw error
    throw new DamagedPart(`${archive} can't be read`, { cause: error })
  } finally {
    // With an error: without one, who unpacks would wait for the rest.
    packed.destroy(new Error('nobody wants the rest'))
  }
}

async function observeMembers(
  packed: PassThrough,
  format: ArchiveFormat,
  observe: (members: Buffer) => void,
): Promise<number> {
  let size = 0
  for await (const members of decompress(packed, encodings[format])) {
    observe(members)
    size += members.length
  }
  return size
}

async function* rangeOf(archive: string, { offset, size }: PlacedPart): AsyncGenerator<Buffer> {
  if (size === 0) return
  yield* createReadStream(archive, {
    start: offset,
    end: offset + size - 1,
    highWaterMark: readSize,
  }) as AsyncIterable<Buffer>
}
