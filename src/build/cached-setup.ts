import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildConfig } from '../config/types.js'
import { DeliverError, messageOf } from '../errors.js'
import type { Clock, Git } from '../ports.js'
import { isAsCached, noteUse, readCached, saveCached } from './deps-cache.js'
import { type DependencyTree, walkDependencies } from './dependencies.js'
import { depsKey } from './deps-key.js'
import { defaultDepsPaths, plainDepsPaths } from './deps-paths.js'
import { identify, type Identified } from './identify.js'
import { unknownScripts } from './install-scripts.js'
import { whyUnknown } from './known-install.js'
import { withRepositoryLock } from './repository-lock.js'
import { restoreDeps } from './restore-deps.js'
import { runSetup, setupCommand, type SetupRequest } from './setup.js'
import { diskTime, readIndex, writeIndex } from './stamp-index.js'

export interface CachedSetupRequest extends SetupRequest {
  readonly build: SetupRequest['build'] & Pick<BuildConfig, 'cache' | 'deps'>
  /** `build.env` as the config has it: where secrets come from decides, and not what they are. */
  readonly keyEnv: BuildConfig['env']
  readonly git: Git
  readonly clock: Clock
}

export interface SetupResult {
  readonly command: string
  /** `unchanged`: the work tree had it all; `restored`: from the clone; `ran`: the command. */
  readonly outcome: 'ran' | 'restored' | 'unchanged'
}

/** Makes the app's dependencies what the command would make of them: from the clone, if that is provably the same, else by running it. */
export async function cachedSetup(request: CachedSetupRequest): Promise<SetupResult> {
  const command = await setupCommand(request.directory, request.build)
  const plan = await planOf(request, command)
  if ('because' in plan) {
    note(request, `dependencies are not taken from the clone: ${plan.because}`)
    return { command: await runSetup(request), outcome: 'ran' }
  }
  const key = await keyOf(request, command, plan)
  const taken = await take(request, key)
  if (taken !== undefined) return { command, outcome: taken }
  await runSetup(request)
  // A setup that writes its own lockfile makes something else the next time.
  if ((await keyOf(request, command, plan)) === key) await save(request, plan, key)
  else note(request, 'setup changed what decides the dependencies, so they are not kept for the next time')
  return { command, outcome: 'ran' }
}

interface Plan {
  readonly paths: readonly string[]
  readonly files: readonly string[]
  /** Nothing but an install of a lockfile. */
  readonly installer: boolean
}

async function planOf(
  { directory, build }: CachedSetupRequest,
  command: string,
): Promise<Plan | { readonly because: string }> {
  const { cache, deps } = build
  if (cache.kind === 'off') return { because: 'build.cache is false, or --no-cache was given' }
  const because = cache.kind === 'files' ? undefined : await whyUnknown(directory, command)
  if (because !== undefined) return { because: `${because} (build.cache can say what it reads)` }
  const installer = cache.kind === 'auto'
  const paths = installer ? ['node_modules'] : plainDepsPaths(deps ?? (await defaultDepsPaths(directory)))
  if (paths.length === 0) return { because: 'the app has none' }
  for (const path of paths) {
    const parts = path.split('/')
    for (let depth = 1; depth <= parts.length; depth++) {
      const at = parts.slice(0, depth).join('/')
      const stats = await lstat(join(directory, at)).catch(() => undefined)
      if (stats?.isSymbolicLink() === true) return { because: `${at} is a symlink` }
    }
  }
  return { paths, installer, files: cache.kind === 'files' ? cache.files : [] }
}

function keyOf(request: CachedSetupRequest, command: string, plan: Plan): Promise<string> {
  const { directory, keyEnv, env, git } = request
  return depsKey({
    directory,
    subdirectory: git.location.subdirectory,
    command,
    buildEnv: keyEnv,
    env,
    ...plan,
  })
}

/** Undefined: there is nothing to take, or it could not be taken whole. */
async function take(request: CachedSetupRequest, key: string): Promise<'restored' | 'unchanged' | undefined> {
  const { git, clock, signal } = request
  const ref = (await git.caches()).find((each) => each.key === key)
  if (ref === undefined) return undefined
  let begun: readonly string[] = []
  try {
    const cached = await readCached(git, key, ref.commit)
    if (cached === undefined) return undefined
    const before = await look(request, cached.paths)
    if (before !== undefined && (await isAsCached(git, cached, before))) {
      await noteUse(git, clock, key)
      return 'unchanged'
    }
    begun = cached.paths
    await restoreDeps(git, cached, before, signal)
    const after = await look(request, cached.paths)
    if (after === undefined || !(await isAsCached(git, cached, after)))
      throw new DeliverError('failed', 'what was written is not what was kept')
    await noteUse(git, clock, key)
    return 'restored'
  } catch (error) {
    signal?.throwIfAborted()
    await giveUp(request, ref, error)
    // Some installers take the note that is in a tree for the whole tree.
    for (const path of begun) await rm(join(request.directory, path), { recursive: true, force: true })
    return undefined
  }
}

/** A clone with a hole in it must not stop a build that needs nothing of it. */
async function giveUp(
  { git, reporter }: CachedSetupRequest,
  { key, commit }: { readonly key: string; readonly commit: string },
  error: unknown,
): Promise<void> {
  await git.setCache(key, undefined, commit).catch(() => false)
  const text = `dependencies could not be taken from the clone, so they are installed: ${messageOf(error)}`
  reporter.event({ type: 'warning', text })
}

interface Looked {
  readonly tree: DependencyTree
  readonly entries: readonly Identified[]
  readonly emptyDirectories: readonly Buffer[]
}

/** What is at the deps paths, by content. Undefined when there is something that git can't hold. */
async function look(
  { git, directory, signal }: CachedSetupRequest,
  paths: readonly string[],
): Promise<Looked | undefined> {
  const tree = await walkDependencies(directory, paths)
  if (!tree.exact) return undefined
  const place = { ...git.location, algorithm: git.objectHash }
  const since = await diskTime(place.state)
  const where = { root: directory, algorithm: git.objectHash }
  const { entries, read } = await identify(where, tree, await readIndex(place), signal)
  if (read > 0) await writeIndex(place, { tree, entries, since })
  return { tree, entries, emptyDirectories: tree.emptyDirectories }
}

async function noneIsThere(directory: string, paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map((path) =>
      lstat(join(directory, path)).then(
        () => true,
        () => false,
      ),
    ),
  )
  return !found.includes(true)
}

/** Keeps what setup made. That it can't is no failure: the next setup runs again. */
async function save(request: CachedSetupRequest, plan: Plan, key: string): Promise<void> {
  const { git, clock, reporter, directory, signal } = request
  if (await noneIsThere(directory, plan.paths)) return // an app without dependencies
  try {
    const lock = { clock, wait: lockWait, signal }
    await withRepositoryLock(git.location.state, lock, async () => {
      const looked = await look(request, plan.paths)
      if (looked === undefined)
        return note(request, 'dependencies are not kept in the clone: git can not hold them as they are')
      const unknown = plan.installer ? await unknownScripts(directory, looked.entries) : []
      if (unknown.length > 0) return note(request, becauseOfScripts(unknown))
      const { entries, emptyDirectories } = looked
      await saveCached({ git, clock, key, paths: plan.paths, entries, emptyDirectories, signal })
    })
  } catch (error) {
    signal?.throwIfAborted()
    reporter.event({
      type: 'warning',
      text: `dependencies could not be kept in the clone: ${messageOf(error)}`,
    })
  }
}

const lockWait = 60_000

function becauseOfScripts(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '')
  return `dependencies are installed each time: ${shown} may read files of the app when installed. build.cache can say which`
}

function note({ reporter }: CachedSetupRequest, text: string): void {
  reporter.event({ type: 'note', text })
}
