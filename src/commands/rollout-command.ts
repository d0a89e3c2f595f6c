import { exitCodes } from '../errors.js'
import { probeHost, type Probed, type Room } from '../execute/facts.js'
import { identityOf } from '../execute/fleet-watch.js'
import { inParallel } from '../execute/parallel.js'
import type { RunHost } from '../execute/run.js'
import { waitsOf } from '../execute/waits.js'
import { timeAround } from '../hooks/around.js'
import { namesOf, type Outcome } from '../plan/outcome.js'
import { boundOf } from '../plan/bound.js'
import type { Target } from '../plan/deploy.js'
import { stillChosen } from '../plan/select.js'
import type { HostView, RolloutPlan } from '../plan/types.js'
import { nextAfter } from '../guidance/exit-codes.js'
import type { Host } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import type { CommandContext, CommandResult } from './context.js'
import { dryRun, type Looked } from './dry-run.js'
import { executeAndFollow } from './execute-and-follow.js'
import { checkFleetSize, deployToNobody } from './fleet-size.js'
import type { RolloutOptions } from './rollout-options.js'
import type { RolloutSession } from './rollout-session.js'
import { warnWeakGuard } from './warn-weak-guard.js'
import { showOutcomes, showPlan } from './show.js'

/** What `deploy` and `rollback` do differently. */
export interface Intent {
  readonly room?: Room
  /** Hosts that can't be deployed to: `refuse` stops before anything is changed, `go-on` leaves them behind. */
  readonly unfit: 'refuse' | 'go-on'
  /** For a sentence about hosts that never came to a plan. */
  readonly title: string
  /** What hosts that join go to. Default: the plan's release. */
  readonly target?: Target
  plan(views: readonly HostView[]): Promise<RolloutPlan>
  /** When the plan is made, before it is shown; also in a dry run. Throws to stop. */
  planned?(looked: Looked & { readonly hosts: readonly Host[] }): Promise<void>
  /** The records of the plan's releases; a release that every host has needs none. */
  record(release: string): ReleaseRecord | undefined
  /** Before the first host is touched. Throws to stop. */
  begin?(plan: RolloutPlan): Promise<void>
  /** After the last host, when every one of them runs the release. */
  finish?(plan: RolloutPlan): Promise<void>
}

export interface Conducted {
  readonly result: CommandResult
  readonly outcomes: readonly Outcome[]
  /** The hosts that run the release now, of those that were there at the beginning. */
  readonly reached: readonly RunHost[]
}

/** Reads the fleet, plans, shows the plan and runs it. */
export async function conductRollout(
  context: CommandContext,
  session: RolloutSession,
  options: RolloutOptions,
  intent: Intent,
): Promise<Conducted> {
  const { run } = session
  const hosts = await session.hosts()
  await checkFleetSize(options, { session, hosts, signal: context.interrupt.signal })
  if (hosts.length === 0) return deployToNobody(context, session, options, intent)
  const probed = await inParallel(run.turns, hosts, (host) => probeHost(run, session.link(host), intent.room))
  const there = await without(session, options, hosts, probed)
  const ready = there.filter((each) => each.kind === 'ready')
  const unfit = there.filter((each) => each.kind === 'unfit')
  if (ready.length === 0 || !mayLeave(unfit, intent, run.config.rollout.allowUnreachable))
    return refused(context, intent, there)

  warnWeakGuard(run, ready)
  const plan = await intent.plan(ready.map(({ view }) => view))
  const looked: Looked = { plan, ready, record: (release) => intent.record(release) }
  await intent.planned?.({ ...looked, hosts })
  if (options.dryRun === true) {
    const result = await dryRun(context, session, options, looked)
    return { outcomes: [], reached: [], result }
  }
  showPlan(context.reporter, plan, boundOf(plan, waitsOf(run.config, timeAround(run.config, plan.kind))))
  await intent.begin?.(plan)

  const left = probed.filter((each) => !there.includes(each)).map(goneOutcome)
  const execution = { intent, plan, ready, unfit, hosts, left }
  const executed = await executeAndFollow(context, session, options, execution)
  const outcomes = inOrderOf(hosts, executed.outcomes)
  showOutcomes(context.reporter, outcomes)
  const done = new Set(outcomes.flatMap((outcome) => (outcome.kind === 'done' ? [outcome.host] : [])))
  const fix = nextAfter(executed.verdict.code)
  return {
    outcomes,
    reached: ready.map(({ host }) => host).filter(({ name }) => done.has(name)),
    result: {
      ...executed.verdict,
      ...(fix === undefined ? {} : { fix }),
      data: { release: plan.release, outcomes },
    },
  }
}

/** A host that can't be deployed to because it has left the fleet, or another one has its address, is none of ours. */
async function without(
  session: RolloutSession,
  options: RolloutOptions,
  hosts: readonly Host[],
  probed: readonly Probed[],
): Promise<readonly Probed[]> {
  const there = probed.filter((each) => each.kind === 'ready' || each.swapped !== true)
  if (there.every(({ kind }) => kind === 'ready')) return there
  const now = await session.hosts().catch(() => hosts)
  const still = new Set(stillChosen(now, options, hosts).map(identityOf))
  return there.filter((each) => each.kind === 'ready' || still.has(identityOf(each.host.link.host)))
}

/** Whether the rollout may go on without these hosts. */
function mayLeave(unfit: readonly Unfit[], intent: Intent, allowed: number): boolean {
  if (intent.unfit === 'go-on') return true
  return unfit.length <= allowed && unfit.every(({ unreachable }) => unreachable === true)
}

/** The order that people know from the config or the fleet; who joined comes last. */
function inOrderOf(hosts: readonly Host[], outcomes: readonly Outcome[]): readonly Outcome[] {
  const rank = new Map(hosts.map((host, index) => [host.name, index]))
  const of = (outcome: Outcome): number => rank.get(outcome.host) ?? hosts.length
  return [...outcomes].sort((a, b) => of(a) - of(b))
}

type Unfit = Extract<Probed, { kind: 'unfit' }>

function refused(context: CommandContext, intent: Intent, probed: readonly Probed[]): Conducted {
  const names = namesOf(probed.flatMap((each) => (each.kind === 'unfit' ? [each.host.name] : [])))
  const because = `nothing was changed, because ${names} can't be deployed to`
  const outcomes = probed.map((each): Outcome =>
    each.kind === 'unfit'
      ? unfitOutcome(each)
      : { host: each.host.name, ms: 0, kind: 'skipped', because, runs: each.view.current },
  )
  showOutcomes(context.reporter, outcomes)
  const code = context.interrupt.reason === undefined ? exitCodes.failed : exitCodes[context.interrupt.reason]
  const text = `${intent.title}: ${because}`
  return { outcomes, reached: [], result: { code, text, data: { outcomes } } }
}

function goneOutcome({ host }: Probed): Outcome {
  return { host: host.name, ms: 0, kind: 'gone', because: 'left the fleet before anything was done' }
}

function unfitOutcome({ host, because, view }: Unfit): Outcome {
  return { host: host.name, ms: 0, kind: 'failed', because, runs: view?.current, switched: false }
}
