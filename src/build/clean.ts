import { readdir, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Clock, Commit, Git } from '../ports.js'
import type { Reporter } from '../report/events.js'
import { archivesDirectory } from './archive.js'
import { archiveFiles, formats } from './archive-files.js'
import { keepBuildNotes, readBuildNotes } from './build-journal.js'
import { dropOldCaches } from './deps-cache.js'
import { builder, provenanceOf } from './provenance.js'
import { withRepositoryLock } from './repository-lock.js'

/** A release that this clone holds: its tag, its archive, or both. */
export interface LocalRelease {
  readonly release: string
  /** Milliseconds since 1970; of the source's commit, if nobody noted when it was built. */
  readonly builtAt: number
  /** The prebuilt commit, if there is a tag of ours. */
  readonly tag?: string | undefined
}

export interface CleanPlan {
  readonly remove: readonly (LocalRelease & { readonly because: string })[]
  readonly keep: readonly (LocalRelease & { readonly because: string })[]
}

/** Pure. The newest `keep` stay, and those that are named. */
export function planClean(
  releases: readonly LocalRelease[],
  keep: number,
  protect: readonly string[],
): CleanPlan {
  const newestFirst = [...releases].sort((a, b) => b.builtAt - a.builtAt || (a.release < b.release ? 1 : -1))
  const ranked = newestFirst.map((release, rank) => ({
    release,
    newest: rank < keep,
    named: protect.includes(release.release),
  }))
  return {
    keep: ranked
      .filter(({ newest, named }) => newest || named)
      .map(({ release, newest }) => ({
        ...release,
        because: newest ? `one of the newest ${keep}` : 'in use',
      })),
    remove: ranked
      .filter(({ newest, named }) => !newest && !named)
      .map(({ release }) => ({ ...release, because: `not one of the newest ${keep}` })),
  }
}

export interface CleanRequest {
  readonly git: Git
  readonly clock: Clock
  readonly reporter: Reporter
  readonly keep: number
  /** Releases that are in use somewhere. */
  readonly protect: readonly string[]
  /** As given to `archiveRelease`. */
  readonly directory?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly lockWait?: number
}

/** What would be removed, for a dry run. Only builds of this app: others of the repository have their own keep. */
export async function findCleanable(request: CleanRequest): Promise<CleanPlan> {
  return planClean(await localReleases(request), request.keep, request.protect)
}

/** Removes old prebuilt tags and archives, and gives back the space of what only they needed. */
export async function cleanBuilds(request: CleanRequest): Promise<CleanPlan> {
  const { git, clock, reporter, signal } = request
  const lock = { clock, wait: request.lockWait ?? 600_000, signal }
  return withRepositoryLock(git.location.state, lock, async () => {
    const plan = await findCleanable(request)
    const removedTags: string[] = []
    for (const each of plan.remove) {
      if (each.tag !== undefined && !(await git.removeTag(each.release, each.tag))) {
        reporter.event({
          type: 'warning',
          text: `tag ${each.release} was changed by somebody else, and stays`,
        })
        continue
      }
      if (each.tag !== undefined) removedTags.push(each.release)
      await removeArchive(archivesDirectory(git, request.directory), each.release)
      reporter.event({ type: 'note', text: `removed ${each.release}: ${each.because}` })
    }
    const trees = await dropOldCaches(git, request.keep)
    if (trees > 0) reporter.event({ type: 'note', text: `removed ${trees} old dependency trees` })
    if (removedTags.length > 0 || trees > 0) await git.reclaim(signal)
    await forgetBuilds(git)
    return plan
  })
}

async function localReleases({ git, directory }: CleanRequest): Promise<LocalRelease[]> {
  const notes = await readBuildNotes(git.location.state)
  const tagged = await prebuiltTags(git)
  const releases: LocalRelease[] = []
  for (const [release, { commit, subdirectory }] of tagged) {
    if (subdirectory !== git.location.subdirectory) continue
    releases.push({ release, tag: commit.id, builtAt: notes.get(release) ?? commit.time * 1000 })
  }
  for (const release of await archivedReleases(archivesDirectory(git, directory))) {
    if (!tagged.has(release)) releases.push({ release, builtAt: notes.get(release) ?? 0 })
  }
  return releases
}

async function prebuiltTags(git: Git): Promise<Map<string, { commit: Commit; subdirectory: string }>> {
  const found = new Map<string, { commit: Commit; subdirectory: string }>()
  for (const tag of await git.tags()) {
    if (tag.author !== builder.email) continue
    const commit = await git.commit(tag.commit)
    const provenance = provenanceOf(commit)
    // A tag of somebody else may name our commit; it is not ours to remove.
    if (provenance?.release === tag.name)
      found.set(tag.name, { commit, subdirectory: provenance.subdirectory })
  }
  return found
}

/** The releases of which there is an archive: a directory that people chose may hold other things too. */
async function archivedReleases(directory: string): Promise<string[]> {
  const names = new Set(await readdir(directory).catch(() => []))
  const bases = [...names]
    .filter((name) => name.endsWith(recordSuffix))
    .map((name) => name.slice(0, -recordSuffix.length))
  return bases.filter((base) => names.has(basename(archiveFiles(directory, base, 'tar').manifest)))
}

const recordSuffix = '.json'

/** The record first, for without it the others count as nothing. */
async function removeArchive(directory: string, release: string): Promise<void> {
  for (const format of formats) {
    const { record, manifest, archive, parts } = archiveFiles(directory, release, format)
    for (const path of [record, parts, manifest, archive]) await rm(path, { force: true })
  }
}

async function forgetBuilds(git: Git): Promise<void> {
  const notes = await readBuildNotes(git.location.state)
  const tags = new Set((await git.tags()).map((tag) => tag.name))
  const known = [...notes].filter(([release]) => tags.has(release))
  if (known.length < notes.size)
    await keepBuildNotes(
      git.location.state,
      known.map(([release, at]) => ({ release, at })),
    )
}
