import { exitCodes, messageOf } from '../errors.js'
import type { DeltaPlans } from '../execute/deltas.js'
import { estimateStaging } from '../execute/estimate.js'
import { openPlans } from '../execute/material.js'
import type { Probed } from '../execute/facts.js'
import { timeAround, whatRuns } from '../hooks/around.js'
import { inParallel } from '../execute/parallel.js'
import { outsidePaths } from '../execute/run.js'
import { lookAtService } from '../execute/service-now.js'
import { waitsOf } from '../execute/waits.js'
import { boundOf } from '../plan/bound.js'
import {
  previewOf,
  releaseLeft,
  type Changes,
  type Preview,
  type PreviewFacts,
  type SendEstimate,
} from '../plan/preview.js'
import { isPartial, type Selection } from '../plan/select.js'
import type { RolloutPlan } from '../plan/types.js'
import type { ReleaseRecord } from '../release/release.js'
import { readHolder } from '../store/lock.js'
import { readPointer } from '../store/pointer.js'
import { readRelease } from '../store/releases.js'
import type { CommandContext, CommandResult } from './context.js'
import type { RolloutSession } from './rollout-session.js'
import { showPreview } from './show-preview.js'

/** Commits that are listed; the others are counted. */
const mostCommits = 50

export interface Looked {
  readonly plan: RolloutPlan
  readonly ready: readonly Extract<Probed, { kind: 'ready' }>[]
  readonly record: (release: string) => ReleaseRecord | undefined
}

/** Reads all that a rollout would start from, and shows what it would do. Changes nothing, and takes no lock. */
export async function dryRun(
  context: CommandContext,
  session: RolloutSession,
  selection: Selection,
  looked: Looked,
): Promise<CommandResult> {
  const preview = await previewNow(session, selection, looked)
  showPreview(context.reporter, preview)
  const held = preview.lock === null ? '' : `; a deploy would have to wait for ${preview.lock.owner}`
  return { code: exitCodes.done, text: `dry run: nothing was changed${held}`, data: preview }
}

async function previewNow(
  session: RolloutSession,
  selection: Selection,
  { plan, ready, record }: Looked,
): Promise<Preview> {
  const { config, store, run } = session
  const { app, environment } = config
  const [pointer, holder, changes, services] = await Promise.all([
    readPointer(store, app, environment),
    readHolder(store, app, environment),
    changesOf(session, plan, record),
    inParallel(run.turns, ready, async ({ host, view }) => {
      const now = await lookAtService(host.link, run.config, view.current, run.stop)
      return [host.name, now] as const
    }),
  ])
  const sends = await sendsOf(session, { plan, ready, record })
  const facts: PreviewFacts = {
    app,
    environment,
    pointer: pointer === undefined ? null : { release: pointer.release, generation: pointer.generation },
    partial: isPartial(selection),
    lock:
      holder === undefined
        ? null
        : {
            owner: holder.owner,
            ...(holder.job === undefined ? {} : { job: holder.job }),
            ...(holder.url === undefined ? {} : { url: holder.url }),
            since: holder.since,
            id: holder.id,
          },
    services: new Map(services),
    sends,
    changes,
    runs: whatRuns(config, plan.kind),
    bound: boundOf(plan, waitsOf(config, timeAround(config, plan.kind))),
  }
  return previewOf(plan, facts)
}

/** Of each host that lacks its release. A manifest that can't be read makes an estimate worse, and is no reason to stop. */
async function sendsOf(
  { store, target, run }: RolloutSession,
  { plan, ready, record }: Looked,
): Promise<ReadonlyMap<string, SendEstimate>> {
  const opened = new Map<string, Promise<DeltaPlans | undefined>>()
  const plansOf = (wanted: ReleaseRecord): Promise<DeltaPlans | undefined> => {
    const known = opened.get(wanted.release) ?? openPlans(store, wanted).catch(() => undefined)
    opened.set(wanted.release, known)
    return known
  }
  const facts = new Map(ready.map((each) => [each.host.name, each.facts]))
  const sends = await inParallel(run.turns, plan.steps, async (step) => {
    const wanted = record(step.to)
    const has = facts.get(step.host)
    if (wanted === undefined || has === undefined) return undefined
    const plans = step.stage === 'present' ? undefined : await plansOf(wanted)
    return [step.host, await estimateStaging(wanted, has, plans, outsidePaths(target))] as const
  })
  return new Map(sends.filter((each) => each !== undefined))
}

/** From what most hosts run to what they will run, as this clone has it. A clone that can't be read is no reason to stop. */
async function changesOf(
  { config, store }: RolloutSession,
  plan: RolloutPlan,
  record: Looked['record'],
): Promise<Changes> {
  const from = releaseLeft(plan)
  if (from === null) return { kind: 'unknown', because: 'no host leaves another release' }
  const [left, wanted] = await Promise.all(
    [from, plan.release].map(async (release) => record(release) ?? readRelease(store, config.app, release)),
  )
  if (left === undefined || wanted === undefined) {
    const lacks = left === undefined ? from : plan.release
    return { kind: 'unknown', because: `the store no longer has ${lacks}` }
  }
  try {
    const { openGit } = await import('../adapters/git.js')
    const git = await openGit(config.directory)
    const range = [left.source.commit, wanted.source.commit] as const
    const added = await git.between(range[0], range[1], mostCommits)
    const removed = await git.between(range[1], range[0], mostCommits)
    if (added === undefined || removed === undefined)
      return { kind: 'unknown', because: `this clone lacks those between ${from} and ${plan.release}` }
    return { kind: 'known', from, added, removed }
  } catch (error) {
    return { kind: 'unknown', because: messageOf(error) }
  }
}
