import { isAbsolute, join } from 'node:path'
import { defaultDepsPaths } from '../build/deps-paths.js'
import type { Config } from '../config/types.js'
import type { Git } from '../ports.js'
import { branchOfJob, checkReleaseName, defaultReleaseName } from '../release/name.js'
import type { CommandContext } from './context.js'

/** What the commands of the build half share: the app's config and its clone. */
export interface Building {
  readonly config: Config
  readonly git: Git
}

export async function openBuilding(context: CommandContext): Promise<Building> {
  const config = await context.config()
  const { openGit } = await import('../adapters/git.js')
  return { config, git: await openGit(config.directory) }
}

/**
 * The release that the build commands are about: `--tag`, else `TAG`, else the version tag on HEAD, else branch and
 * commit. An app below the root of its repository puts its name in front, since its neighbours share the tags.
 */
export async function releaseToBuild(
  context: CommandContext,
  { config, git }: Building,
  tag: string | undefined,
): Promise<string> {
  const given = tag ?? context.env.TAG
  if (given !== undefined && given !== '') {
    checkReleaseName(given)
    return given
  }
  const head = await git.head()
  const tags = (await git.tags()).filter(({ commit }) => commit === head.id).map(({ name }) => name)
  return defaultReleaseName({
    tags,
    commit: head.id,
    branch: await branchToName(context, git),
    prefix: git.location.subdirectory === '' ? undefined : config.app,
  })
}

/** The branch for people: of the work tree, else what the CI job says it builds. */
export async function branchToName(context: CommandContext, git: Git): Promise<string | undefined> {
  return (await git.branch()) ?? branchOfJob(context.env)
}

export async function depsOf({ config, git }: Building): Promise<readonly string[]> {
  return config.build.deps ?? (await defaultDepsPaths(git.location.directory))
}

/** Tells how long a step of the command took, whatever came of it. */
export async function step<T>(
  context: CommandContext,
  name: string,
  detail: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const started = performance.now()
  context.reporter.event({ type: 'step-started', step: name, ...(detail === undefined ? {} : { detail }) })
  const value = await work()
  context.reporter.event({ type: 'step-done', step: name, ms: Math.round(performance.now() - started) })
  return value
}

/** A path of the config, relative to its file. */
export function localPath(config: Config, path: string): string {
  return isAbsolute(path) ? path : join(config.directory, path)
}
