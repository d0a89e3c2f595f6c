import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gitEnvironment, startGit } from './git-command.js'
import { keepNote } from './git-import.js'

/**
 * Rewrites our own packs without what no ref, reflog or index reaches any more. All other packs are named as kept, so that
 * unreachable objects that the user may still want (a dropped stash, a lost branch) stay as they are, packed or loose.
 */
export async function reclaimPacks(directory: string, objects: string, signal?: AbortSignal): Promise<void> {
  const packs = join(objects, 'pack')
  const before = await packNames(packs)
  const ours = await ourPacks(packs, before)
  if (ours.length === 0) return
  const others = before.filter((name) => !ours.includes(name))
  // A kept pack is not repacked. If we are killed here, these are ordinary packs, and the next `git gc` does our work.
  for (const name of ours) await rm(join(packs, `${name}.keep`), { force: true })
  const git = startGit({
    command: 'repack',
    args: ['-a', '-d', '-q', ...others.map((name) => `--keep-pack=${name}.pack`)],
    // Bitmaps need all in one pack; deltas that exist are reused, and no new ones are searched.
    settings: ['repack.writeBitmaps=false', 'pack.window=0', 'pack.compression=1'],
    cwd: directory,
    env: gitEnvironment(process.env),
    signal,
  })
  git.stdout.resume()
  await git.succeeded
  const made = (await packNames(packs)).filter((name) => !before.includes(name) || ours.includes(name))
  for (const name of made) await writeFile(join(packs, `${name}.keep`), keepNote)
}

async function packNames(packs: string): Promise<string[]> {
  const names = await readdir(packs)
  return names.filter((name) => name.endsWith('.pack')).map((name) => name.slice(0, -'.pack'.length))
}

async function ourPacks(packs: string, names: readonly string[]): Promise<string[]> {
  const notes = await Promise.all(
    names.map((name) => readFile(join(packs, `${name}.keep`), 'utf8').catch(() => '')),
  )
  return names.filter((_, index) => notes[index] === keepNote)
}
