import { inBatches } from '../plan/batches.js'
import type { RolloutPlan } from '../plan/types.js'
import type { Member } from './fleet-watch.js'
import type { Ledger } from './ledger.js'
import { returnHost } from './return-host.js'
import type { BadMember } from './rollout.js'
import { hostState, type Run } from './run.js'
import { settle } from './settle.js'
import { readHost } from './switch.js'

interface Failure {
  readonly bad: readonly BadMember[]
  /** Confirmed on the new release, in the order of their switches. */
  readonly switched: readonly Member[]
  readonly ledger: Ledger
}

interface Return {
  readonly member: Member
  readonly because: string
}

/**
 * What the failure policy asks for: the failed hosts go back first, then (with `rollback`) those that had switched, newest
 * first, never more at once than one batch.
 */
export async function goBack(run: Run, plan: RolloutPlan, { bad, switched, ledger }: Failure): Promise<void> {
  const leave = plan.onFailure === 'stop' || run.lost.aborted
  const back: Return[] = []
  for (const { member, advanced } of bad) {
    const { noWayBack } = member.step
    if (leave || !advanced.switched) ledger.fail(member, advanced.because, { switched: advanced.switched })
    else if (noWayBack !== undefined)
      ledger.fail(member, `${advanced.because}; it stays: ${noWayBack}`, { switched: true })
    else back.push({ member, because: advanced.because })
  }
  if (leave) return
  if (plan.onFailure === 'rollback') {
    const because = `${bad.map(({ member }) => member.step.host).join(', ')} failed`
    for (const member of [...switched].reverse()) if (hasWayBack(run, member)) back.push({ member, because })
  }
  for (const batch of inBatches(back, plan.batchLimit))
    await Promise.all(batch.map((each) => bringBack(run, each, ledger)))
}

/** A host that ran nothing before, and is healthy on the new release, stays on it: stopping its service helps nobody. */
function hasWayBack(run: Run, { step }: Member): boolean {
  if (step.from !== null && step.noWayBack === undefined) return true
  run.reporter.event({
    type: 'warning',
    host: step.host,
    text: `stays on ${step.to}: ${step.noWayBack ?? 'nothing ran here before'}`,
  })
  return false
}

async function bringBack(run: Run, { member, because }: Return, ledger: Ledger): Promise<void> {
  const { host } = member.probed
  const stuck = (why: string, runs: string | null | undefined): void =>
    ledger.settle(host.name, { kind: 'rollback-failed', because: why, runs })

  if (run.lost.aborted) return stuck(`the deploy lost its lock (after: ${because})`, undefined)
  hostState(run, host.name, 'rolling-back', because)
  const returned = await returnHost(run, member)
  const facts = await readHost(run, host)
  const runs =
    facts === undefined ? undefined : facts.current.kind === 'release' ? facts.current.release : null
  if (returned.kind !== 'ok') return stuck(`${returned.because} (after: ${because})`, runs)
  if (runs === undefined) return stuck('it could not be read afterwards', runs)
  if (runs !== null) {
    const settled = await settle(run, host, runs)
    if (settled.kind === 'unhealthy') return stuck(`${runs}: ${settled.because} (after: ${because})`, runs)
  }
  ledger.settle(host.name, { kind: 'rolled-back', because, runs })
}
