import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DeliverError } from '../errors.js'
import type { ArchiveFormat, Body } from '../release/release.js'

/** What `archive` leaves for `publish`, side by side. */
export interface ArchiveFiles {
  readonly archive: string
  readonly manifest: string
  readonly record: string
  /** Where in the archive its parts are: see known-parts.ts. `publish` doesn't need it. */
  readonly parts: string
}

export const formats: readonly ArchiveFormat[] = ['tar.zst', 'tar.gz', 'tar']

/** No release has a file of this end otherwise, whatever its name. */
export const partsSuffix = '.parts'

export function archiveFiles(directory: string, release: string, format: ArchiveFormat): ArchiveFiles {
  const base = join(directory, release)
  return {
    archive: `${base}.${format}`,
    manifest: `${base}.manifest.json.gz`,
    record: `${base}.json`,
    parts: `${base}${partsSuffix}`,
  }
}

/** Of this process: two may write the same at once. */
let writes = 0

/** Durable under its name, or not there: written aside, synced, renamed. */
export async function writeWhole(
  path: string,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<Body> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.${++writes}.part`
  try {
    const body = await writeSynced(temporary, content)
    await rename(temporary, path)
    await syncDirectory(dirname(path))
    return body
  } catch (error) {
    await rm(temporary, { force: true })
    throw writeError(path, error)
  }
}

async function writeSynced(path: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Body> {
  const hash = createHash('sha256')
  let size = 0
  const file = await open(path, 'w', 0o644)
  try {
    for await (const chunk of content) {
      hash.update(chunk)
      size += chunk.length
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { size, sha256: hash.digest('hex') }
}

/** Without it a crash of the machine may forget the rename. Some file systems can't, and that is no failure. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  await directory.sync().catch(() => undefined)
  await directory.close()
}

function writeError(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DeliverError('failed', `${path}: no space left on the disk`, {
      fix: 'Free space, or set archive.directory.',
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new DeliverError('failed', `${path}: can't be written (${code})`, {
      fix: 'Make it writable, or set archive.directory.',
      cause: error,
    })
  }
  return error
}

/** Size and hash of a file, undefined when there is none. */
export async function bodyOf(path: string): Promise<Body | undefined> {
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      size += chunk.length
    }
  } catch {
    return undefined
  }
  return { size, sha256: hash.digest('hex') }
}
