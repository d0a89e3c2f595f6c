import { open, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import { checkKey, checkKeyPrefix } from '../store/key.js'
import { createDurably } from './directory/durable-file.js'
import { placeOf, readDocument, removeDocument, writeDocument } from './directory/documents.js'
import { storeError, unless } from './directory/errno.js'
import { makeDirectories, rootExists } from './directory/root.js'
import { sweepTemporaries } from './directory/sweep.js'
import { walk } from './directory/walk.js'

/** Bytes read at once: archives are large, and the store may be a network mount. */
const chunk = 1024 * 1024

/**
 * A store in a directory: local, or on a network mount that deployers share. Needs hard links and atomic rename. The
 * store's clock is the file system's.
 */
export function createDirectoryStore(options: { readonly directory: string }): Store {
  const root = resolve(options.directory)
  const swept = new Set<string>()

  async function inRoot<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw storeError(root, doing, error)
    }
  }

  function pathOf(key: string): string {
    checkKey(key)
    return join(root, key)
  }

  async function sweepOnce(directory: string): Promise<void> {
    if (swept.has(dirname(directory))) return
    swept.add(dirname(directory))
    await sweepTemporaries(directory)
  }

  return {
    name: `directory ${root}`,

    async create(key, body, { signal } = {}) {
      const path = pathOf(key)
      const source = Buffer.isBuffer(body) ? undefined : await openSource(body.file)
      try {
        return await inRoot(`writing ${key}`, async () => {
          signal?.throwIfAborted()
          await makeDirectories(root, dirname(key))
          await sweepOnce(dirname(path))
          if ((await unless(['ENOENT'], stat(path))) !== undefined) return 'exists'
          const content = Buffer.isBuffer(body)
            ? body
            : source?.createReadStream({ autoClose: false, highWaterMark: chunk })
          if (content === undefined) throw new TypeError('no content')
          return (await createDurably(path, content, signal)).outcome
        })
      } finally {
        await source?.close()
      }
    },

    async size(key) {
      const path = pathOf(key)
      return inRoot(`reading ${key}`, async () => {
        if (!(await rootExists(root))) return undefined
        const status = await unless(['ENOENT', 'ENOTDIR'], stat(path))
        return status?.isFile() === true ? status.size : undefined
      })
    },

    async read(key) {
      const path = pathOf(key)
      return inRoot(`reading ${key}`, async () => {
        const file = (await rootExists(root))
          ? await unless(['ENOENT', 'ENOTDIR'], open(path, 'r'))
          : undefined
        if (file !== undefined && (await file.stat()).isFile())
          return file.createReadStream({ highWaterMark: chunk })
        await file?.close()
        throw new DeliverError('precondition', `store directory ${root}: there is no ${key}`, {
          fix: 'Publish the release, or check store.directory.',
        })
      })
    },

    async list(prefix) {
      checkKeyPrefix(prefix)
      return inRoot(`listing ${prefix}`, async () => ((await rootExists(root)) ? walk(root, prefix) : []))
    },

    async remove(key) {
      const path = pathOf(key)
      await inRoot(`removing ${key}`, async () => {
        if (!(await rootExists(root)) || (await removeDocument(path))) return
        await unless(['ENOENT', 'ENOTDIR'], unlink(path))
      })
    },

    async readDocument(key) {
      const path = pathOf(key)
      return inRoot(`reading ${key}`, async () => ((await rootExists(root)) ? readDocument(path) : undefined))
    },

    async writeDocument(key, text, expected) {
      const path = pathOf(key)
      if (text === '') throw new RangeError('a document is not empty')
      return inRoot(`writing ${key}`, async () => {
        await makeDirectories(root, dirname(key))
        await makeDirectories(dirname(path), '.versions')
        await sweepOnce(placeOf(path).directory)
        return writeDocument(path, text, expected)
      })
    },
  }
}

async function openSource(file: string) {
  try {
    return await open(file, 'r')
  } catch (error) {
    throw new DeliverError('precondition', `${file} can't be read`, {
      fix: 'Build the archive again.',
      cause: error,
    })
  }
}
