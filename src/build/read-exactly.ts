import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { DeliverError } from '../errors.js'
import { showPath } from './findings.js'

/** Neither a link that took the file's place is followed, nor a pipe waited for. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const block = 256 * 1024

/** Files up to this size are read in one piece, several at once: most of the time goes to waiting for the answers. */
const small = 128 * 1024
const readers = 16

/**
 * The contents of files in their order, each as readExactly gives it. Small ones are read ahead, so memory is bounded by
 * `small` times `readers`.
 */
export async function* readEach<T extends { readonly path: Buffer; readonly size: number }>(
  root: string,
  files: readonly T[],
): AsyncGenerator<{ readonly file: T; readonly content: AsyncIterable<Buffer> | Iterable<Buffer> }> {
  const ahead: Promise<Buffer | undefined>[] = []
  for (const [index, file] of files.entries()) {
    while (ahead.length < readers && index + ahead.length < files.length) {
      const next = files[index + ahead.length]
      const whole = next === undefined || next.size > small ? undefined : readWhole(root, next)
      // A failure is reported when its turn comes, or another's was first.
      whole?.catch(() => undefined)
      ahead.push(whole ?? Promise.resolve(undefined))
    }
    const content = await ahead.shift()
    yield { file, content: content === undefined ? readExactly(root, file.path, file.size) : [content] }
  }
}

async function readWhole(root: string, { path, size }: { path: Buffer; size: number }): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of readExactly(root, path, size)) parts.push(part)
  const [first, ...more] = parts
  return more.length === 0 && first !== undefined ? first : Buffer.concat(parts)
}

/** A file's content, which must still be as long as it was found to be: its length was promised to the reader. */
export async function* readExactly(root: string, path: Buffer, size: number): AsyncGenerator<Buffer> {
  const file = await open(Buffer.concat([Buffer.from(`${root}/`), path]), flags).catch((cause: unknown) => {
    throw changed(path, "can't be opened any more", cause)
  })
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw changed(path, 'is not a file any more')
    if (stats.size !== size)
      throw changed(path, `${stats.size < size ? 'shrank' : 'grew'} from ${size} to ${stats.size} bytes`)
    for (let left = size; left > 0;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(block, left)), 0)
      if (bytesRead === 0) throw changed(path, `shrank from ${size} to ${size - left} bytes`)
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    // Small files are read in an instant; in a large one, somebody may have been writing meanwhile.
    if (size > small && (await file.stat()).size !== size)
      throw changed(path, `did not stay at ${size} bytes`)
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
