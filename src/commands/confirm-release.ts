import type { Config } from '../config/types.js'
import { DeliverError } from '../errors.js'
import { reasonsToConfirm } from '../plan/confirmation.js'
import type { RolloutPlan } from '../plan/types.js'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { readRelease } from '../store/releases.js'
import type { CommandContext } from './context.js'

interface Gate {
  readonly config: Config
  readonly store: Store
  readonly record: ReleaseRecord
  /** What the pointer names. */
  readonly pointer: string | undefined
  readonly yes: boolean
}

/**
 * Asks a person where `rollout.confirm` says so, and nobody has said `--yes`. Throws when the answer is no, and where nobody can
 * answer. A deploy that switches no host needs no yes.
 */
export async function confirmRelease(context: CommandContext, plan: RolloutPlan, gate: Gate): Promise<void> {
  const { config, record } = gate
  const why = await whyConfirm(plan, gate)
  if (why === undefined) return
  if (gate.yes) {
    context.reporter.event({ type: 'note', text: `${why} (given with --yes)` })
    return
  }
  if (context.ask === undefined)
    throw new DeliverError('failed', `${why}. Nothing was changed`, {
      fix: 'Nobody can answer here. Run it on a terminal, or say --yes.',
    })
  const { length } = plan.steps.filter(({ act }) => act === 'activate')
  if (await context.ask(`${why}. Deploy it to ${length} host(s) of ${config.environment}?`)) return
  throw new DeliverError('failed', `${record.release}: declined; nothing was changed`, {
    fix: 'To deploy it all the same, answer y or give --yes.',
    declined: true,
  })
}

/** What a deploy of this plan would ask. */
export async function foretellQuestion(
  context: CommandContext,
  plan: RolloutPlan,
  gate: Gate,
): Promise<void> {
  const why = await whyConfirm(plan, gate)
  if (why !== undefined) context.reporter.event({ type: 'note', text: `${why}; a deploy would ask` })
}

/** Why a person must say yes to this plan, in a sentence; undefined: nobody must. */
async function whyConfirm(plan: RolloutPlan, gate: Omit<Gate, 'yes'>): Promise<string | undefined> {
  const { config, record } = gate
  const when = config.rollout.confirm ?? []
  const switching = plan.steps.filter(({ act }) => act === 'activate')
  if (when.length === 0 || switching.length === 0) return undefined
  const names = new Set([gate.pointer, ...switching.map(({ from }) => from ?? undefined)])
  const replaced = [...names].filter((name) => name !== undefined && name !== record.release)
  const running = await Promise.all(
    replaced.map(async (release) => {
      const old = release === undefined ? undefined : await readRelease(gate.store, config.app, release)
      return old ?? { release: release ?? '' }
    }),
  )
  const reasons = reasonsToConfirm(when, record, running)
  return reasons.length === 0 ? undefined : `${record.release} needs a person's yes: ${reasons.join('; ')}`
}
