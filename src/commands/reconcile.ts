import type { FleetWatch, Member } from '../execute/fleet-watch.js'
import type { RolloutEnd } from '../execute/rollout.js'
import type { Run } from '../execute/run.js'
import type { Outcome } from '../plan/outcome.js'
import type { Fleet, PendingHost } from '../ports.js'

export interface Reconciliation {
  readonly run: Run
  readonly fleet: Fleet
  readonly watch: FleetWatch
  /** When the pointer was moved, in ms since 1970: who was launched before may boot with the release before it. */
  readonly pointerMovedAt: number
  /** Stages and switches hosts that came with another release. */
  readonly update: (members: readonly Member[]) => Promise<RolloutEnd>
}

export interface Reconciled {
  /** Of hosts that came or went since the rollout. */
  readonly outcomes: readonly Outcome[]
  /** Why it isn't known, or not so, that every host in service runs the release. */
  readonly problem: string | undefined
}

/** A fleet that goes on changing is left to the next deploy: what boots now boots with the new release. */
const mostPasses = 5
const poll = 5_000
/** Ms for a server from its launch until it is in service, where the fleet doesn't say. */
const usualBoot = 600_000
/** The cloud's clock and ours may differ by that much. */
const clockSkew = 30_000

/**
 * Brings servers up to date that booted while the rollout was under way, and so with the release that the pointer named
 * before. Ends with a look at the fleet that finds nothing to do.
 */
export async function reconcile(work: Reconciliation): Promise<Reconciled> {
  const { run, watch } = work
  const outcomes = new Map<string, Outcome>()
  const told = (problem: string | undefined): Reconciled => ({ outcomes: [...outcomes.values()], problem })
  for (let pass = 1; pass <= mostPasses; pass++) {
    await untilBooted(work)
    if (run.lost.aborted) return told('the deploy lost its lock before the fleet was looked at once more')
    // A fleet that knows nothing of servers that boot has hardly changed since it was asked last.
    if (run.stop.aborted)
      return told(
        work.fleet.desired === undefined
          ? undefined
          : 'it was interrupted before the fleet was looked at once more',
      )
    const change = await watch.refresh(run, { insist: true })
    if ('unanswered' in change) return told(`the fleet could not be asked at the end: ${change.unanswered}`)
    const gone = { ms: 0, kind: 'gone', because: 'left the fleet during the deploy' } as const
    for (const host of change.gone) outcomes.set(host, { host, ...gone })
    for (const { host, because } of change.unfit)
      outcomes.set(host, { host, ms: 0, kind: 'failed', because, runs: undefined, switched: false })
    if (change.joined.length === 0) return told(undefined)
    const names = change.joined.map(({ step }) => step.host).join(', ')
    run.reporter.event({ type: 'note', text: `came while the rollout was under way: ${names}` })
    const { outcomes: late, problem } = await work.update(change.joined)
    for (const outcome of late) outcomes.set(outcome.host, outcome)
    if (problem !== undefined) return told(problem)
  }
  return told(`the fleet still changes after ${mostPasses} looks at it`)
}

/** Waits for servers that were launched before the pointer moved. Those that never come are told, and are not in service. */
async function untilBooted({ run, fleet, pointerMovedAt }: Reconciliation): Promise<void> {
  if (fleet.pending === undefined) return
  const end = run.clock.now() + (fleet.bootTimeout ?? usualBoot)
  const stopped = AbortSignal.any([run.stop, run.lost])
  let before = ''
  for (;;) {
    const pending = await fleet.pending(run.stop).catch((): readonly PendingHost[] => [])
    const early = pending.filter(
      ({ launchedAt }) => launchedAt === undefined || launchedAt < pointerMovedAt + clockSkew,
    )
    if (early.length === 0 || stopped.aborted) return
    const names = early.map(({ name }) => name).join(', ')
    if (names !== before) run.reporter.event({ type: 'note', text: `waiting for ${names} to boot` })
    before = names
    if (run.clock.now() + poll > end) {
      const text = `${names}: launched before the pointer moved, and not in service yet; may run an older release`
      return run.reporter.event({ type: 'warning', text })
    }
    await run.clock.sleep(poll, stopped).catch(() => undefined)
  }
}
