import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DeliverError } from '../../errors.js'
import { syncDirectory } from './durable-file.js'
import { unless } from './errno.js'

/**
 * Whether the store's directory is there. It may be missing before the first publish, but the directory that holds it
 * may not: then a mount is missing, and whatever we wrote would go to the wrong disk.
 */
export async function rootExists(root: string): Promise<boolean> {
  const found = await unless(['ENOENT'], stat(root))
  if (found?.isDirectory() === true) return true
  if (found !== undefined) {
    throw new DeliverError('precondition', `store directory ${root}: it is not a directory`, {
      fix: 'Name a directory in store.directory.',
    })
  }
  if ((await unless(['ENOENT'], stat(dirname(root)))) !== undefined) return false
  throw new DeliverError('precondition', `store directory ${root}: neither it nor ${dirname(root)} exists`, {
    fix: `Mount the file system that holds it, or create ${dirname(root)} if the path is right.`,
  })
}

/** Makes the directory of a key, and the root's last part, so that they survive a power cut. */
export async function makeDirectories(root: string, relative: string): Promise<void> {
  if (!(await rootExists(root))) await makeDirectory(root)
  let path = root
  for (const name of relative.split('/')) {
    if (name === '' || name === '.') continue
    path = join(path, name)
    await makeDirectory(path)
  }
}

async function makeDirectory(path: string): Promise<void> {
  if ((await unless(['ENOENT'], stat(path)))?.isDirectory() === true) return
  await mkdir(path).catch(async (error: unknown) => {
    // Somebody else may have made it just now.
    if (!(await stat(path)).isDirectory()) throw error
  })
  await syncDirectory(dirname(path))
}
