import { apply } from '../plan/machine/apply.js'
import { isAccepted, problemOf } from '../plan/machine/ends.js'
import { next } from '../plan/machine/next.js'
import { hostsAt, startRollout } from '../plan/machine/state.js'
import type { Outcome } from '../plan/outcome.js'
import { Ledger } from './ledger.js'
import { perform } from './perform.js'
import type { Run } from './run.js'
import { objection } from './steps.js'
import { Traffic } from './traffic.js'
import { contextOf, membersOf, type Rollout, type Working } from './working.js'

export interface RolloutEnd {
  /** One for each host. */
  readonly outcomes: readonly Outcome[]
  /** Whether the release may count as rolled out, with no more failures than the policy allows. */
  readonly accepted: boolean
  /** What keeps this from being a success although the outcomes don't say so. */
  readonly problem: string | undefined
}

/**
 * Runs a plan: does what the machine of plan/machine says and tells it what came of that, until it says that it is over.
 * Never rejects for what happens on hosts: every host gets exactly one outcome.
 */
export async function executeRollout(run: Run, rollout: Rollout): Promise<RolloutEnd> {
  const ledger = new Ledger(run)
  let state = startRollout(rollout.plan, rollout.unreachable)
  ledger.note(undefined, state)
  const working: Working = {
    run,
    rollout,
    ledger,
    traffic: new Traffic(run, rollout.drainage),
    members: new Map(rollout.members.map((member) => [member.step.host, member])),
    get state() {
      return state
    },
    feed(event) {
      const before = state
      state = apply(state, event)
      ledger.note(before, state)
    },
  }
  for (;;) {
    if (run.lost.aborted) working.feed({ kind: 'stop', why: 'lost' })
    else if (run.stop.aborted) working.feed({ kind: 'stop', why: 'interrupted' })
    const action = next(state)
    if (action.kind === 'end') break
    await perform(working, action)
  }
  await bringAllBack(working)
  const outcomes = ledger.outcomes(state)
  await tellFailure(working, outcomes)
  return { outcomes, accepted: isAccepted(state), problem: problemOf(state) }
}

/** Whatever happened, nothing stays out of traffic that this run took out. */
async function bringAllBack({ traffic, run, feed }: Working): Promise<void> {
  if (run.lost.aborted) return
  for (const [host, because] of await traffic.bringBack(traffic.out))
    feed({ kind: 'stranded', host, because })
}

async function tellFailure(working: Working, outcomes: readonly Outcome[]): Promise<void> {
  const { run, state } = working
  const because =
    problemOf(state) ??
    outcomes.flatMap((outcome) => (isFailure(outcome) ? [outcome.because] : [])).at(0) ??
    // Somebody objected before the first switch: no host failed, and yet the rollout did.
    state.aborted
  if (because === undefined) return
  const context = contextOf(working, membersOf(working, hostsAt(state, 'failed', 'returned', 'stuck')))
  const failed = await objection(run.steps.failure({ ...context, because, outcomes }))
  if (failed !== undefined) run.reporter.event({ type: 'warning', text: failed })
}

function isFailure(
  outcome: Outcome,
): outcome is Extract<Outcome, { kind: 'failed' | 'rolled-back' | 'rollback-failed' }> {
  return outcome.kind === 'failed' || outcome.kind === 'rolled-back' || outcome.kind === 'rollback-failed'
}
