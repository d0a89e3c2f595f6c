import { systemClock } from '../adapters/clock.js'
import type { HookPoint, HookValues } from '../config/hooks.js'
import type { Config } from '../config/types.js'
import { runHooks, type HookWorld } from '../hooks/run-hooks.js'
import type { CommandContext } from './context.js'
import { revealed } from './secrets.js'
import { turnsOf } from './turns.js'

/** What a build step knows of its release, before and after it. */
type Build = Pick<HookValues, 'release' | 'commit'>

/** Runs the hooks before and after a build step. A failure of one that says `stop` ends the command. */
export async function withBuildHooks<T>(
  context: CommandContext,
  { config, points }: { readonly config: Config; readonly points: readonly [HookPoint, HookPoint] },
  build: Build,
  work: () => Promise<T>,
): Promise<T> {
  const [before, after] = points
  const run = (point: HookPoint, outcome: Pick<HookValues, 'outcome'>): Promise<void> =>
    runHooks(hookWorld(context, config), {
      values: {
        point,
        app: config.app,
        environment: config.environment,
        hosts: [],
        ...build,
        ...outcome,
      },
      hosts: [],
      staged: false,
      signal: context.interrupt.signal,
    })
  await run(before, {})
  const value = await work()
  await run(after, { outcome: 'done' })
  return value
}

/** What the hooks of any command share. */
export function hookWorld(context: CommandContext, config: Config): HookWorld {
  return {
    config,
    env: context.env,
    reporter: context.reporter,
    clock: systemClock,
    slots: turnsOf(config).slotsOfBoth(),
    reveal: (values, where) => revealed(context, config, values, where),
    redactor: context.secrets.redactor,
  }
}
