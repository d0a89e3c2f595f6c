import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Commit, Git } from '../ports.js'
import { commitStream, inBlocks } from './commit-stream.js'
import type { Identified } from './identify.js'
import { blobsOf, wholeTrees } from './known-trees.js'
import { builder } from './provenance.js'
import { idAt } from './tree-id.js'

/** Dependencies as setup made them: what the commit of a key holds. */
export interface CachedDeps {
  readonly key: string
  readonly commit: string
  /** Plain deps paths, relative to the app. */
  readonly paths: readonly string[]
  /** Git has no place for them in a tree. */
  readonly emptyDirectories: readonly Buffer[]
}

/** Undefined for a commit that isn't ours. */
export async function readCached(git: Git, key: string, commit: string): Promise<CachedDeps | undefined> {
  return cachedOf(key, await git.commit(commit))
}

function cachedOf(key: string, commit: Commit): CachedDeps | undefined {
  if (commit.author.email !== builder.email) return undefined
  const { message } = commit
  const paths = trailer(message, 'Deliver-Deps')
  const empty = trailer(message, 'Deliver-Empty')
  if (trailer(message, 'Deliver-Key')?.join() !== key || paths === undefined || empty === undefined)
    return undefined
  return { key, commit: commit.id, paths, emptyDirectories: empty.map((path) => Buffer.from(path, 'latin1')) }
}

function trailer(message: string, name: string): readonly string[] | undefined {
  const [, json] = new RegExp(`^${name}: (\\[.*\\])$`, 'm').exec(message) ?? []
  try {
    const value: unknown = JSON.parse(json ?? '')
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined
  } catch {
    return undefined
  }
}

export interface SaveRequest {
  readonly git: Git
  readonly clock: Clock
  readonly key: string
  readonly paths: readonly string[]
  readonly entries: readonly Identified[]
  readonly emptyDirectories: readonly Buffer[]
  readonly signal?: AbortSignal | undefined
}

/** Only under the repository's lock: `clean` would take what no ref reaches yet. False when somebody else set the key meanwhile. */
export async function saveCached(request: SaveRequest): Promise<boolean> {
  const { git, clock, key, paths, entries, emptyDirectories, signal } = request
  const before = (await git.caches()).find((each) => each.key === key)
  const known = await wholeTrees(git, paths, entries)
  const message = [
    `Dependencies ${key}\n`,
    `Deliver-Key: ${JSON.stringify([key])}`,
    `Deliver-Directory: ${JSON.stringify([git.location.subdirectory])}`,
    `Deliver-Deps: ${JSON.stringify(paths)}`,
    `Deliver-Empty: ${JSON.stringify(emptyDirectories.map((path) => path.toString('latin1')))}\n`,
  ]
  const plan = {
    parent: undefined,
    time: Math.floor(clock.now() / 1000),
    message: message.join('\n'),
    subdirectory: git.location.subdirectory,
    deps: paths,
    entries,
    known,
  }
  const commit = await git.importCommit((ref) => inBlocks(commitStream(ref, plan)), {
    signal,
    ...(known.size === paths.length ? {} : { blobs: blobsOf(git, entries) }),
  })
  if (!(await git.setCache(key, commit, before?.commit))) return false
  await noteUse(git, clock, key)
  return true
}

/** Whether these entries are exactly the tree of the cache. */
export async function isAsCached(
  git: Git,
  { commit, paths, emptyDirectories }: CachedDeps,
  now: { readonly entries: readonly Identified[]; readonly emptyDirectories: readonly Buffer[] },
): Promise<boolean> {
  for (const path of paths) {
    const [wanted] = await git.idsAt([commit], path)
    if (wanted !== idAt(git, path, now.entries)) return false
  }
  const names = (all: readonly Buffer[]): string =>
    JSON.stringify(all.map((path) => path.toString('latin1')).sort())
  return names(emptyDirectories) === names(now.emptyDirectories)
}

/** The time of a file tells when a key was last of use. Nothing hangs on it but which keys `clean` leaves. */
export async function noteUse(git: Git, clock: Clock, key: string): Promise<void> {
  const now = new Date(clock.now())
  try {
    await mkdir(usesOf(git), { recursive: true })
    await writeFile(join(usesOf(git), key), '')
    await utimes(join(usesOf(git), key), now, now)
  } catch {
    // A directory that can't be written to is no reason to install again.
  }
}

/** Removes the keys of this app that were not among the last `keep` in use. Only under the repository's lock; the space comes back with `reclaim`. */
export async function dropOldCaches(git: Git, keep: number): Promise<number> {
  const mine: { key: string; commit: string; used: number }[] = []
  for (const { key, commit } of await git.caches()) {
    const read = await git.commit(commit).catch(() => undefined)
    if (read === undefined) continue
    const { author, message, time } = read
    if (author.email !== builder.email) continue
    if (trailer(message, 'Deliver-Directory')?.join() !== git.location.subdirectory) continue
    const noted = await stat(join(usesOf(git), key)).catch(() => undefined)
    mine.push({ key, commit, used: noted?.mtimeMs ?? time * 1000 })
  }
  let removed = 0
  for (const { key, commit } of mine.sort((a, b) => b.used - a.used).slice(keep)) {
    if (!(await git.setCache(key, undefined, commit))) continue
    await rm(join(usesOf(git), key), { force: true })
    removed++
  }
  return removed
}

function usesOf(git: Git): string {
  return join(git.location.state, 'deps')
}
