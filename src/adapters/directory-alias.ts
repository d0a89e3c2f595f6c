import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Alias } from '../ports.js'
import { replaceDurably } from './directory/durable-file.js'
import { storeError, unless } from './directory/errno.js'
import { makeDirectories } from './directory/root.js'

const chunk = 1024 * 1024

/** An alias in the directory of a store. A file has no place for a mark, so its bytes are read. */
export function createDirectoryAlias(options: { readonly directory: string; readonly key: string }): Alias {
  const root = resolve(options.directory)
  const path = join(root, options.key)

  async function inRoot<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw storeError(root, doing, error)
    }
  }

  return {
    name: path,
    holds: (content) =>
      inRoot(`reading ${options.key}`, async () => {
        const file = await unless(['ENOENT', 'ENOTDIR'], open(path, 'r'))
        if (file === undefined) return false
        if (!(await file.stat()).isFile()) {
          await file.close()
          return false
        }
        return content.matches(file.createReadStream({ highWaterMark: chunk }))
      }),
    replace: (file, _content, signal) =>
      inRoot(`writing ${options.key}`, async () => {
        signal?.throwIfAborted()
        await makeDirectories(root, dirname(options.key))
        await replaceDurably(path, createReadStream(file, { highWaterMark: chunk }), signal)
      }),
  }
}
