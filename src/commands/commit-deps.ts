import { systemClock } from '../adapters/clock.js'
import { commitDependencies } from '../build/commit.js'
import { exitCodes } from '../errors.js'
import { branchToName, depsOf, openBuilding, releaseToBuild, step } from './building.js'
import type { CommandContext, CommandResult } from './context.js'
import { withBuildHooks } from './build-hooks.js'

export interface CommitDepsOptions {
  readonly tag?: string | undefined
  readonly force?: boolean | undefined
  readonly allowDirty?: boolean | undefined
}

/** `deliver commit-deps`: commits what setup made, on no branch, and tags it. */
export async function commitDeps(
  context: CommandContext,
  options: CommitDepsOptions = {},
): Promise<CommandResult> {
  const building = await openBuilding(context)
  const release = await releaseToBuild(context, building, options.tag)
  const { config, git } = building
  const build = { release, commit: (await git.head()).id }
  const points = ['beforeCommitDeps', 'afterCommitDeps'] as const
  const result = await withBuildHooks(context, { config, points }, build, () =>
    step(context, 'commit-deps', release, async () =>
      commitDependencies({
        git,
        clock: systemClock,
        reporter: context.reporter,
        release,
        deps: await depsOf(building),
        branch: await branchToName(context, git),
        allowDirty: options.allowDirty === true,
        force: options.force === true,
        signal: context.interrupt.signal,
      }),
    ),
  )
  const what = `${result.files} files, ${Math.ceil(result.bytes / 1024)} KiB`
  const text =
    result.outcome === 'unchanged'
      ? `${release} is tagged already, with the same source and dependencies`
      : `${release} tagged at ${result.commit.slice(0, 12)}: source ${result.source.slice(0, 12)} and ${what}`
  return { code: exitCodes.done, text, data: result }
}
