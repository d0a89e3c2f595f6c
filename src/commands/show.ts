import type { Bound } from '../plan/bound.js'
import type { Outcome } from '../plan/outcome.js'
import type { HostStep, RolloutPlan } from '../plan/types.js'
import type { Cell, HostOutcome, Reporter, ShownPlan } from '../report/events.js'
import { showMilliseconds } from '../report/units.js'

/** The plan as a table: what will be done to each host, in which batch, and why. Then the time that it may take at most. */
export function showPlan(reporter: Reporter, plan: RolloutPlan, bound: Bound): void {
  reporter.event({ type: 'plan', ...shownPlan(plan, bound) })
  const batchOf = new Map(
    plan.batches.flatMap((batch, index) => batch.map((host) => [host, index + 1] as const)),
  )
  const rows = plan.steps.map((step): readonly Cell[] => [
    { text: step.host, tone: 'strong' },
    { text: String(batchOf.get(step.host) ?? '-') },
    { text: whatHappens(step) },
    { text: step.because, tone: 'dim' },
  ])
  const skipped = plan.skipped.map((skip): readonly Cell[] => [
    { text: skip.host, tone: 'strong' },
    { text: '-' },
    { text: 'nothing', tone: 'dim' },
    { text: skip.because, tone: 'dim' },
  ])
  reporter.event({
    type: 'table',
    title: planTitle(plan, rows.length + skipped.length),
    columns: ['host', 'batch', 'what', 'because'],
    rows: [...rows, ...skipped],
  })
  if (rows.length > 0) reporter.event({ type: 'note', text: boundText(bound) })
}

function shownPlan(plan: RolloutPlan, bound: Bound): ShownPlan {
  const { kind, release, onFailure, batchLimit, pause, batches } = plan
  return {
    ...{ kind, release, onFailure, batchLimit, pause, batches, bound },
    hosts: plan.steps.map(({ host, from, to, stage, act, because }) => ({
      ...{ host, from, to, stage, act, because },
    })),
    skipped: plan.skipped.map(({ host, because, runs }) => ({ host, because, runs })),
  }
}

export function planTitle(plan: Pick<RolloutPlan, 'kind' | 'release' | 'batchLimit'>, hosts: number): string {
  return `Plan: ${plan.kind} ${plan.release}, at most ${plan.batchLimit} of ${hosts} at once`
}

/** "at most 14m00s for 6 batches, 2m20s each": the bound in words, without what the worst case adds. */
export function boundText(bound: Bound): string {
  const most = showMilliseconds(bound.switching)
  const worst = `${showMilliseconds(bound.worst)} if hosts stop answering and all has to go back`
  if (bound.batches === 0) return `at most ${most}, to look at the hosts; ${worst}`
  const each = bound.batches === 1 ? '' : `, ${showMilliseconds(bound.batch)} each`
  const batches = `${bound.batches} batch${bound.batches === 1 ? '' : 'es'}`
  return `at most ${most} for ${batches}${each}${stagingText(bound)}; ${worst}`
}

function stagingText({ stageIdle }: Bound): string {
  return stageIdle === null
    ? ''
    : `, after staging, which is given up after ${showMilliseconds(stageIdle)} without a byte`
}

export function whatHappens(step: HostStep): string {
  if (step.act === 'verify') return 'check health'
  return `${step.stage === 'send' ? 'send, ' : ''}switch to ${step.to}, restart, settle`
}

/** What became of each host, as the table that ends a rollout. */
export function showOutcomes(reporter: Reporter, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes)
    reporter.event({
      type: 'outcome',
      host: outcome.host,
      outcome: kindOf(outcome),
      ...('because' in outcome && outcome.because !== undefined ? { because: outcome.because } : {}),
      ...('runs' in outcome && outcome.runs !== undefined ? { runs: outcome.runs } : {}),
      ms: outcome.ms,
    })
  reporter.event({
    type: 'table',
    columns: ['host', 'outcome', 'runs', 'took', 'because'],
    rows: outcomes.map((outcome) => [
      { text: outcome.host, tone: 'strong' },
      { text: kindOf(outcome), tone: toneOf(outcome) },
      { text: runsOf(outcome) },
      { text: `${(outcome.ms / 1000).toFixed(1)} s`, tone: 'dim' },
      { text: 'because' in outcome ? (outcome.because ?? '') : '' },
    ]),
  })
}

function kindOf(outcome: Outcome): HostOutcome {
  return outcome.kind === 'done' && !outcome.restarted ? 'unchanged' : outcome.kind
}

function toneOf(outcome: Outcome): 'good' | 'bad' | 'dim' {
  switch (outcome.kind) {
    case 'done':
      return 'good'
    case 'skipped':
    case 'gone':
      return 'dim'
    case 'failed':
    case 'rolled-back':
    case 'rollback-failed':
      return 'bad'
  }
}

function runsOf(outcome: Outcome): string {
  if (!('runs' in outcome)) return '-'
  return outcome.runs === undefined ? 'unknown' : (outcome.runs ?? 'nothing')
}
