import { DeliverError } from '../errors.js'
import type { Clock, Commit, Git } from '../ports.js'
import { checkReleaseName } from '../release/name.js'
import type { Reporter } from '../report/events.js'
import { noteBuild } from './build-journal.js'
import { commitStream, inBlocks } from './commit-stream.js'
import { type DependencyTree, walkDependencies } from './dependencies.js'
import { identify, type Identified } from './identify.js'
import { blobsOf, wholeTrees } from './known-trees.js'
import { diskTime, readIndex, writeIndex } from './stamp-index.js'
import { plainDepsPaths } from './deps-paths.js'
import { errorOf, showPath } from './findings.js'
import { provenanceMessage, provenanceOf } from './provenance.js'
import { withRepositoryLock } from './repository-lock.js'

export interface CommitRequest {
  readonly git: Git
  readonly clock: Clock
  readonly reporter: Reporter
  /** Becomes the tag. */
  readonly release: string
  /** As in build.deps, relative to the app. */
  readonly deps: readonly string[]
  /** For people; see branchOfJob. */
  readonly branch?: string | undefined
  /** Take what is committed although tracked files differ from it. */
  readonly allowDirty?: boolean
  /** Move the tag of an earlier build. A tag that deliver didn't make is never moved. */
  readonly force?: boolean
  readonly signal?: AbortSignal | undefined
  /** Milliseconds to wait for another deliver in this clone. */
  readonly lockWait?: number
}

export interface CommitResult {
  readonly outcome: 'created' | 'unchanged' | 'moved'
  readonly release: string
  /** The commit that the tag names. */
  readonly commit: string
  readonly source: string
  readonly files: number
  readonly bytes: number
}

/** Commits HEAD with the dependencies of the work tree, byte for byte, under a tag. Nothing else of the clone changes. */
export async function commitDependencies(request: CommitRequest): Promise<CommitResult> {
  checkReleaseName(request.release)
  const { git, clock, reporter, signal } = request
  const deps = plainDepsPaths(request.deps)
  const source = await git.head()
  // Git looks at the source meanwhile.
  const checked = checkSource(request, source, deps)
  checked.catch(() => undefined)
  const tree = await walkDependencies(git.location.directory, deps)
  await checked
  reportWarnings(reporter, tree)
  const error = errorOf(tree.findings)
  if (error !== undefined) throw error
  const lock = {
    clock,
    wait: request.lockWait ?? 600_000,
    signal,
    onWaiting: (owner: string) =>
      reporter.event({ type: 'note', text: `waiting for ${owner} in this clone` }),
  }
  const place = { ...git.location, algorithm: git.objectHash }
  const since = await diskTime(git.location.state)
  const index = await readIndex(place)
  const where = { root: git.location.directory, algorithm: git.objectHash }
  const { entries, read } = await identify(where, tree, index, signal)
  return withRepositoryLock(git.location.state, lock, async () => {
    const result = await commitAndTag(request, source, deps, entries)
    if (read > 0) await writeIndex(place, { tree, entries, since })
    return result
  })
}

async function commitAndTag(
  request: CommitRequest,
  source: Commit,
  deps: readonly string[],
  entries: readonly Identified[],
): Promise<CommitResult> {
  const { git, release, signal } = request
  const before = await currentTag(git, release, request.force ?? false)
  const { subdirectory } = git.location
  const message = provenanceMessage({
    release,
    source: source.id,
    branch: request.branch,
    subdirectory,
    deps,
  })
  const known = await wholeTrees(git, deps, entries)
  const plan = { parent: source.id, time: source.time, message, subdirectory, deps, entries, known }
  const id = await git.importCommit((ref) => inBlocks(commitStream(ref, plan)), {
    signal,
    ...(known.size === deps.length ? {} : { blobs: blobsOf(git, entries) }),
  })
  const made = await git.commit(id)
  const sizes = entries.map((entry) => (entry.type === 'file' ? entry.size : 0))
  const facts = {
    release,
    source: source.id,
    files: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  }
  if (before !== undefined && before.tree === made.tree && before.parents.join() === source.id) {
    return { ...facts, outcome: 'unchanged', commit: before.id }
  }
  if (before !== undefined && request.force !== true) throw taken(release, before, source)
  // Noted first: after a crash a note without a tag is harmless, a tag without a note looks older than it is.
  await noteBuild(git.location.state, { release, at: request.clock.now() })
  if (!(await git.setTag(release, id, before?.id))) {
    throw new DeliverError('failed', `tag ${release} was changed by somebody else at the same time`, {
      fix: 'Run again.',
    })
  }
  return { ...facts, outcome: before === undefined ? 'created' : 'moved', commit: id }
}

async function currentTag(git: Git, release: string, force: boolean): Promise<Commit | undefined> {
  const id = await git.resolve(`refs/tags/${release}`)
  if (id === undefined) return undefined
  const commit = await git.commit(id)
  if (provenanceOf(commit)?.release === release) return commit
  throw new DeliverError(
    'precondition',
    `tag ${release} exists, and is not a build of deliver (${id.slice(0, 12)} "${commit.subject}")`,
    {
      fix: `${force ? 'Not even --force moves it. ' : ''}Choose another name, such as ${release.slice(0, 90)}-prebuilt.`,
    },
  )
}

function taken(release: string, before: Commit, source: Commit): DeliverError {
  const because =
    before.parents.join() === source.id
      ? 'the same commit with other dependencies'
      : `another commit (${before.parents.join().slice(0, 12)}, not ${source.id.slice(0, 12)})`
  return new DeliverError('precondition', `tag ${release} is already a build of ${because}`, {
    fix: 'Build under a new name; or move the tag with --force, if the release was not published.',
  })
}

async function checkSource(request: CommitRequest, source: Commit, deps: readonly string[]): Promise<void> {
  const { git, reporter } = request
  const changes = git.changes(deps)
  changes.catch(() => undefined)
  const submodules: Buffer[] = []
  for await (const entry of git.entries(source.id, request.signal)) {
    if (entry.kind === 'submodule' && !isBelow(entry.path, deps)) submodules.push(entry.path)
  }
  if (submodules.length > 0) {
    throw new DeliverError(
      'precondition',
      `${listPaths(submodules)}: a submodule, which would be an empty directory in the release`,
      {
        fix: 'Check it out and name it in build.deps without its .git, or vendor its files.',
      },
    )
  }
  const { tracked, untracked } = await changes
  if (request.allowDirty !== true) refuseTracked(tracked)
  if (tracked.length > 0)
    warn(reporter, `${listPaths(tracked)}: not as in the commit; the release has what is committed`)
  if (untracked === 1) warn(reporter, '1 untracked file or directory is not in the release')
  else if (untracked > 1) warn(reporter, `${untracked} untracked files or directories are not in the release`)
}

/** Refuses tracked files that differ from the commit: whoever builds for minutes wants to know before. */
export async function refuseChanges(git: Pick<Git, 'changes'>, deps: readonly string[]): Promise<void> {
  refuseTracked((await git.changes(deps)).tracked)
}

function refuseTracked(tracked: readonly Buffer[]): void {
  if (tracked.length === 0) return
  throw new DeliverError('precondition', `${listPaths(tracked)}: not as in the commit that is built`, {
    fix: 'Commit or revert; or use --allow-dirty, and the release has what is committed.',
  })
}

function isBelow(path: Buffer, deps: readonly string[]): boolean {
  const text = path.toString('latin1')
  return deps.some((dep) => {
    const base = Buffer.from(dep).toString('latin1')
    return text === base || text.startsWith(`${base}/`)
  })
}

function listPaths(paths: readonly Buffer[]): string {
  const shown = paths.slice(0, 10).map(showPath).join(', ')
  return paths.length > 10 ? `${shown} and ${paths.length - 10} more` : shown
}

function reportWarnings(reporter: Reporter, tree: DependencyTree): void {
  const warnings = tree.findings.filter((finding) => finding.severity === 'warning')
  for (const { path, because } of warnings.slice(0, 10)) warn(reporter, `${showPath(path)}: ${because}`)
  if (warnings.length > 10) warn(reporter, `${warnings.length - 10} more warnings of this kind`)
}

function warn(reporter: Reporter, text: string): void {
  reporter.event({ type: 'warning', text })
}
