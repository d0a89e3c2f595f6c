import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { DeliverError } from '../../errors.js'

/** What is uploaded: read once from start to end, part by part, each into memory that its upload may read again. */
export interface Source {
  readonly size: number
  /** Fills the buffer with the next bytes. */
  next(buffer: Buffer): Promise<void>
  /** The sha256 of all of it, as hex, after the last byte. Throws when the file was changed while it was read. */
  finish(): Promise<string>
  close(): Promise<void>
}

export async function openSource(file: string): Promise<Source> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new DeliverError('precondition', `${file} can't be read`, {
      fix: 'Build the archive again.',
      cause: error,
    })
  })
  const start = await handle.stat({ bigint: true })
  const size = Number(start.size)
  const hash = createHash('sha256')
  let offset = 0

  function changed(): DeliverError {
    return new DeliverError(
      'failed',
      `${file} was changed while it was uploaded; nothing was published of it`,
      {
        fix: 'Find out what writes to it, build the archive again, and publish that.',
      },
    )
  }

  return {
    size,
    async next(buffer) {
      for (let filled = 0; filled < buffer.length;) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset)
        if (bytesRead === 0) throw changed()
        filled += bytesRead
        offset += bytesRead
      }
      hash.update(buffer)
    },
    async finish() {
      const now = await handle.stat({ bigint: true })
      if (offset !== size || now.size !== start.size || now.mtimeNs !== start.mtimeNs) throw changed()
      return hash.digest('hex')
    },
    close: () => handle.close(),
  }
}
