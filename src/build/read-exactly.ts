import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { DeliverError } from '../errors.js'
import { showPath } from './findings.js'

/** Neither a link that took the file's place is followed, nor a pipe waited for. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const block = 256 * 1024

/** A file's content, which must still be as long as it was found to be: its length was promised to the reader. */
export async function* readExactly(root: string, path: Buffer, size: number): AsyncGenerator<Buffer> {
  const file = await open(Buffer.concat([Buffer.from(`${root}/`), path]), flags).catch((cause: unknown) => {
    throw changed(path, "can't be opened any more", cause)
  })
  try {
    if (!(await file.stat()).isFile()) throw changed(path, 'is not a file any more')
    let left = size
    while (left > 0) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(block, left)), 0)
      if (bytesRead === 0) throw changed(path, `shrank from ${size} to ${size - left} bytes`)
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    const { bytesRead } = await file.read(Buffer.alloc(1), 0, 1)
    if (bytesRead > 0) throw changed(path, `grew beyond ${size} bytes`)
  } finally {
    await file.close()
  }
}

function changed(path: Buffer, how: string, cause?: unknown): DeliverError {
  return new DeliverError('precondition', `${showPath(path)} ${how}, while it was read`, {
    fix: 'Let nothing change the dependencies while they are committed (a watcher, another build), and run again.',
    cause,
  })
}
