import { exitCodes, messageOf } from '../errors.js'
import { verdictOf, type Outcome, type Verdict } from '../plan/outcome.js'
import { isPartial } from '../plan/select.js'
import type { RolloutPlan } from '../plan/types.js'
import type { CommandContext } from './context.js'
import { reconcile } from './reconcile.js'
import type { Intent } from './rollout-command.js'
import type { RolloutOptions } from './rollout-options.js'
import type { RolloutSession } from './rollout-session.js'
import { openPlan, type Execution } from './run-plan.js'

export interface Followed {
  readonly outcomes: readonly Outcome[]
  readonly verdict: Verdict
}

/** Executes a plan, tells servers that boot, and brings those up to date that booted meanwhile. */
export async function executeAndFollow(
  context: CommandContext,
  session: RolloutSession,
  options: RolloutOptions,
  execution: Execution & { readonly left: readonly Outcome[] },
): Promise<Followed> {
  const { run, fleet } = session
  const { intent, plan } = execution
  const open = openPlan(context, session, options, execution)
  try {
    const { accepted, ...executed } = await open.execute()
    const outcomes = [...execution.left, ...executed.outcomes]
    const verdict = judge(context, plan, outcomes, executed.problem)
    const inPart = verdict.code === exitCodes.partial && accepted
    if (verdict.code !== exitCodes.done && !inPart) {
      if (verdict.code === exitCodes.partial && plan.kind === 'deploy' && !isPartial(options))
        run.reporter.event({
          type: 'warning',
          text: 'the pointer stays where it was: servers that boot get the release that it names',
        })
      return { outcomes, verdict }
    }
    const untold = await tellBooting(intent, plan)
    if (untold !== undefined)
      return { outcomes, verdict: { code: exitCodes.partial, text: `${verdict.text}, but ${untold}` } }
    if (isPartial(options)) return { outcomes, verdict }

    const followed = await reconcile({
      run,
      fleet,
      watch: open.watch,
      pointerMovedAt: run.clock.now(),
      update: (members) => open.executeLate(members),
    })
    const byHost = new Map([...outcomes, ...followed.outcomes].map((each) => [each.host, each]))
    const all = [...byHost.values()]
    return { outcomes: all, verdict: judge(context, plan, all, followed.problem) }
  } finally {
    await open.close()
  }
}

/** Hosts that are on the release while the pointer is not are a deploy that is done in part: the next server boots the old one. */
async function tellBooting(intent: Intent, plan: RolloutPlan): Promise<string | undefined> {
  try {
    await intent.finish?.(plan)
    return undefined
  } catch (error) {
    return `servers that boot are not told: ${messageOf(error)}`
  }
}

function judge(
  context: CommandContext,
  plan: RolloutPlan,
  outcomes: readonly Outcome[],
  problem: string | undefined,
): Verdict {
  const verdict = verdictOf(plan.release, outcomes, cutShort(context, outcomes))
  if (problem === undefined || verdict.code !== exitCodes.done) return verdict
  const { reason } = context.interrupt
  const code = reason === undefined ? exitCodes.partial : exitCodes[reason]
  return { code, text: `${verdict.text}, but ${problem}` }
}

/** An interrupt that came when all was done already cut nothing short. */
function cutShort(
  context: CommandContext,
  outcomes: readonly Outcome[],
): 'interrupted' | 'terminated' | undefined {
  const unfinished = outcomes.some((outcome) => outcome.kind !== 'done' && outcome.kind !== 'gone')
  return unfinished ? context.interrupt.reason : undefined
}
