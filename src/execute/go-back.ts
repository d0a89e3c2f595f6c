import { inBatches } from '../plan/batches.js'
import type { RolloutPlan } from '../plan/types.js'
import type { Member } from './fleet-watch.js'
import type { Ledger } from './ledger.js'
import type { BadMember } from './rollout.js'
import { hostState, type Run } from './run.js'
import { settle } from './settle.js'
import { readHost, revertSwitch } from './switch.js'

interface Failure {
  readonly bad: readonly BadMember[]
  /** Confirmed on the new release, in the order of their switches. */
  readonly switched: readonly Member[]
  readonly ledger: Ledger
}

/**
 * What the failure policy asks for: the failed hosts go back first, then (with `rollback`) those that had switched, newest
 * first, never more at once than one batch.
 */
export async function goBack(run: Run, plan: RolloutPlan, { bad, switched, ledger }: Failure): Promise<void> {
  const failed = bad.map(({ member, advanced }) => ({
    member,
    because: advanced.because,
    switched: advanced.switched,
  }))
  for (const each of failed)
    if (!each.switched || plan.onFailure === 'stop' || run.lost.aborted)
      ledger.fail(each.member, each.because, { switched: each.switched })
  if (plan.onFailure === 'stop' || run.lost.aborted) return

  const back = failed.filter((each) => each.switched)
  if (plan.onFailure === 'rollback')
    for (const member of [...switched].reverse())
      back.push({
        member,
        because: `${failed.map((each) => each.member.step.host).join(', ')} failed`,
        switched: true,
      })
  for (const batch of inBatches(back, plan.batchLimit))
    await Promise.all(batch.map(({ member, because }) => bringBack(run, member, because, ledger)))
}

async function bringBack(run: Run, member: Member, because: string, ledger: Ledger): Promise<void> {
  const { host } = member.probed
  hostState(run, host.name, 'rolling-back', because)
  const reverted = await revertSwitch(run, host)
  const facts = await readHost(run, host)
  const runs =
    facts === undefined ? undefined : facts.current.kind === 'release' ? facts.current.release : null
  if (reverted.kind !== 'ok')
    return ledger.settle(host.name, {
      kind: 'rollback-failed',
      because: `${reverted.because} (after: ${because})`,
      runs,
    })
  if (runs === undefined)
    return ledger.settle(host.name, {
      kind: 'rollback-failed',
      because: 'it could not be read afterwards',
      runs,
    })
  if (runs === null) return ledger.settle(host.name, { kind: 'rolled-back', because, runs })
  const settled = await settle(run, host, runs)
  if (settled.kind === 'healthy') return ledger.settle(host.name, { kind: 'rolled-back', because, runs })
  ledger.settle(host.name, {
    kind: 'rollback-failed',
    because: `${runs} is ${settled.because} (after: ${because})`,
    runs,
  })
}
