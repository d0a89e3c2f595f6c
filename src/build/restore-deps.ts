import { lstat, mkdir, rm, rmdir } from 'node:fs/promises'
import type { Git } from '../ports.js'
import type { CachedDeps } from './deps-cache.js'
import type { Identified } from './identify.js'
import { modeOf } from './tree-id.js'

export interface Present {
  readonly entries: readonly Identified[]
  readonly emptyDirectories: readonly Buffer[]
}

/**
 * Makes the deps paths of the work tree those of the cache, writing only what differs. `present` is what is there; undefined: something
 * that can't be told, and all of it goes first.
 */
export async function restoreDeps(
  git: Git,
  cached: CachedDeps,
  present: Present | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { directory } = git.location
  const absolute = (path: Buffer): Buffer => Buffer.concat([Buffer.from(`${directory}/`), path])
  if (present === undefined)
    for (const path of cached.paths) await rm(`${directory}/${path}`, { recursive: true, force: true })
  const had = new Map((present?.entries ?? []).map((entry) => [nameOf(entry.path), entry]))
  const wanted: Buffer[] = []
  const kept = new Set<string>()
  for await (const entry of git.entries(cached.commit, signal)) {
    const name = nameOf(entry.path)
    kept.add(name)
    const there = had.get(name)
    if (there === undefined || there.id !== entry.id || modeOf(there) !== modes[entry.kind])
      wanted.push(entry.path)
  }
  const directories = directoriesOf([...[...kept].map(bytesOf), ...cached.emptyDirectories.map(below)])
  for (const [name, entry] of had) if (!kept.has(name)) await rm(absolute(entry.path), { force: true })
  await removeDirectories(
    directoriesOf([...[...had.keys()].map(bytesOf), ...(present?.emptyDirectories ?? []).map(below)]),
    directories,
    absolute,
  )
  if (wanted.length > 0) await git.restore(cached.commit, { verbatim: cached.paths, paths: wanted, signal })
  for (const path of cached.emptyDirectories) await mkdir(absolute(path), { recursive: true })
}

/** Deepest first. One that something is in after all is seen when the result is looked at. */
async function removeDirectories(
  present: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
  absolute: (path: Buffer) => Buffer,
): Promise<void> {
  for (const name of [...present]
    .filter((each) => !wanted.has(each))
    .sort()
    .reverse()) {
    const path = absolute(bytesOf(name))
    if ((await lstat(path).catch(() => undefined))?.isDirectory() === true)
      await rmdir(path).catch(() => undefined)
  }
}

/** All directories above these paths, as names. */
function directoriesOf(paths: readonly Buffer[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (const path of paths) {
    let name = nameOf(path)
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/')) {
      name = name.slice(0, end)
      if (found.has(name)) break
      found.add(name)
    }
  }
  return found
}

const modes: Readonly<Record<string, string>> = { file: '100644', executable: '100755', link: '120000' }

function below(directory: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/.')])
}

/** One character for each byte: any name is kept whole, and is a key. */
function nameOf(path: Buffer): string {
  return path.toString('latin1')
}

function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1')
}
