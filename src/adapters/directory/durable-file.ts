import { randomBytes } from 'node:crypto'
import { link, open, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { DeliverError } from '../../errors.js'
import { errnoOf, unless } from './errno.js'

/** Starts the names of files that are still being written. */
export const temporaryPrefix = '.tmp-'

export type Content = Buffer | Readable

/** Written files become visible whole, under a name that was free, or not at all. */
export async function createDurably(
  path: string,
  content: Content,
  signal?: AbortSignal,
): Promise<{ readonly outcome: 'created'; readonly mtimeNs: bigint } | { readonly outcome: 'exists' }> {
  const temporary = await writeTemporary(dirname(path), content, signal)
  try {
    if (!(await linkNew(temporary.path, path))) return { outcome: 'exists' }
    await syncDirectory(dirname(path))
    return { outcome: 'created', mtimeNs: temporary.mtimeNs }
  } finally {
    await discard(temporary.path)
  }
}

/** The same, in place of whatever has the name. */
export async function replaceDurably(path: string, content: Content, signal?: AbortSignal): Promise<void> {
  const temporary = await writeTemporary(dirname(path), content, signal)
  try {
    await rename(temporary.path, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await discard(temporary.path)
    throw error
  }
}

/**
 * The time by the file system's clock, which is the server's on a network mount: what a file made now is stamped with.
 * Undefined where we may not make one. It also makes an NFS client forget a directory listing that it had cached.
 */
export async function fileSystemTime(directory: string): Promise<number | undefined> {
  const notWritable = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT']
  const temporary = await unless(notWritable, writeTemporary(directory, Buffer.alloc(0), undefined, false))
  if (temporary === undefined) return undefined
  await discard(temporary.path)
  return Number(temporary.mtimeNs / 1_000_000n)
}

async function writeTemporary(
  directory: string,
  content: Content,
  signal?: AbortSignal,
  sync = true,
): Promise<{ readonly path: string; readonly mtimeNs: bigint }> {
  const path = join(directory, temporaryPrefix + randomBytes(12).toString('hex'))
  const file = await open(path, 'wx')
  try {
    try {
      await writeFile(file, content, signal === undefined ? {} : { signal })
      if (sync) await file.sync()
    } finally {
      // Network file systems may report a failed write only here, so this error counts too.
      await file.close()
    }
    return { path, mtimeNs: (await stat(path, { bigint: true })).mtimeNs }
  } catch (error) {
    await discard(path)
    throw error
  }
}

/** False when the name was taken. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    // NFS repeats a request whose answer was lost, and then reports that the name is taken: by us.
    if (await isSameFile(from, to)) return true
    const code = errnoOf(error)
    if (code === 'EEXIST') return false
    if (code !== undefined && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) {
      throw new DeliverError(
        'precondition',
        `${dirname(to)}: no hard link could be made for ${basename(to)} (${code})`,
        {
          fix: 'Keep the store on a file system with hard links, such as ext4, XFS, APFS or NFS.',
          cause: error,
        },
      )
    }
    throw error
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all(
    [a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)),
  )
  return left !== undefined && right !== undefined && left.ino === right.ino && left.dev === right.dev
}

/** Makes new names survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    // Some network file systems can't do it, and have nothing that needs it.
    await unless(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF', 'EISDIR'], directory.sync())
  } finally {
    await directory.close()
  }
}

/** What can't be removed now is swept later. */
async function discard(path: string): Promise<void> {
  await unlink(path).catch(() => undefined)
}
