import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { DeliverError } from '../errors.js'
import { showPath } from './findings.js'

/** Neither a link that took the file's place is followed, nor a pipe waited for. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const block = 256 * 1024

/** In larger files, somebody may write while they are read. */
const instant = 128 * 1024

/**
 * A file in one piece, in the same way. Without a wait: the disk's cache has most of them, and each promise costs more than a read.
 * `into`: memory that is as large at least; default: of its own.
 */
export function readAtOnce(
  root: string,
  { path, size }: { readonly path: Buffer; readonly size: number },
  into: Buffer = Buffer.allocUnsafe(size),
): Buffer {
  let file: number
  try {
    file = openSync(absolute(root, path), flags)
  } catch (cause) {
    throw changed(path, "can't be opened any more", cause)
  }
  try {
    checkStats(path, size, fstatSync(file))
    const content = into.subarray(0, size)
    for (let done = 0; done < size;) {
      const bytesRead = readSync(file, content, done, size - done, null)
      if (bytesRead === 0) throw changed(path, `shrank from ${size} to ${done} bytes`)
      done += bytesRead
    }
    return content
  } finally {
    closeSync(file)
  }
}

/** A file's content, which must still be as long as it was found to be: its length was promised to the reader. */
export async function* readExactly(root: string, path: Buffer, size: number): AsyncGenerator<Buffer> {
  const file = await open(absolute(root, path), flags).catch((cause: unknown) => {
    throw changed(path, "can't be opened any more", cause)
  })
  try {
    checkStats(path, size, await file.stat())
    for (let left = size; left > 0;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(block, left)), 0)
      if (bytesRead === 0) throw changed(path, `shrank from ${size} to ${size - left} bytes`)
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    if (size > instant && (await file.stat()).size !== size)
      throw changed(path, `did not stay at ${size} bytes`)
  } finally {
    await file.close()
  }
}

function checkStats(path: Buffer, size: number, stats: Stats): void {
  if (!stats.isFile()) throw changed(path, 'is not a file any more')
  if (stats.size !== size)
    throw changed(path, `${stats.size < size ? 'shrank' : 'grew'} from ${size} to ${stats.size} bytes`)
}

function absolute(root: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), path])
}

/** The work tree is not as it was a moment ago. */
export function changed(path: Buffer, how: string, cause?: unknown): DeliverError {
  return new DeliverError('precondition', `${showPath(path)} ${how}, while it was read`, {
    fix: 'Let nothing change the dependencies while they are committed (a watcher, another build), and run again.',
    cause,
  })
}
