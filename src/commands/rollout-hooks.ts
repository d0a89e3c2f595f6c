import type { StepContext } from '../execute/steps.js'
import { hookSteps } from '../hooks/steps.js'
import type { ReleaseRecord } from '../release/release.js'
import { hookWorld } from './build-hooks.js'
import type { CommandContext } from './context.js'
import type { RolloutSession } from './rollout-session.js'

interface Known {
  /** What the pointer names as the command begins. */
  readonly previous: string | undefined
  /** Of the releases that hosts may go to; more may be added until the first step. */
  readonly records: ReadonlyMap<string, ReleaseRecord>
  /** Before the first host of a deploy switches. A rejection: none does. */
  readonly migrate?: (steps: StepContext) => Promise<void>
}

/** The session with the config's hooks around the steps of its run. */
export function withHooks(context: CommandContext, session: RolloutSession, known: Known): RolloutSession {
  const { run } = session
  const steps = hookSteps({
    ...hookWorld(context, session.config),
    previous: known.previous,
    commitOf: (release) => known.records.get(release)?.source.commit,
    stop: run.stop,
    lost: run.lost,
    migrate: known.migrate,
  })
  return { ...session, run: { ...run, steps } }
}
