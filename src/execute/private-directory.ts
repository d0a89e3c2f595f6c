import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'deliver-release-'
/** No deploy takes as long: what is older was left by one that was killed. */
const stale = 24 * 60 * 60_000

/** A directory of our own for a release's files. Those that killed deploys of this user left behind go at the same time. */
export async function makePrivateDirectory(now: number, parent = tmpdir()): Promise<string> {
  await sweep(parent, now).catch(() => undefined)
  return mkdtemp(join(parent, prefix))
}

async function sweep(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const path = join(parent, name)
    const { mtimeMs, uid } = await lstat(path)
    if (uid === process.getuid?.() && now - mtimeMs > stale) await rm(path, { recursive: true, force: true })
  }
}
