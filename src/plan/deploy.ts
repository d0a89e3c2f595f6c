import type { RolloutConfig } from '../config/types.js'
import { interleave, previewBatches, unavailableLimit, zonesOf, type Candidate } from './batches.js'
import { wayBackOf, whyNotBack, type Compatibility } from './compatibility.js'
import type { HostView, HostStep, RolloutPlan, RolloutPolicy, Skip } from './types.js'

/** A release to bring to hosts: its name and the digest of its manifest. */
export interface Target {
  readonly release: string
  readonly digest: string
  /** For a release that names the oldest one that it may be rolled back to. */
  readonly compatibility?: Compatibility
}

/** How a host gets to the release, whatever it runs now. */
export function stepTo(target: Target, state: HostView): HostStep {
  const noWayBack = whyNoWayBack(target, state)
  const base = {
    host: state.host,
    from: state.current,
    to: target.release,
    ...(noWayBack === undefined ? {} : { noWayBack }),
    ...(state.zone === undefined ? {} : { zone: state.zone }),
    ...(state.current === null || state.unconfirmed ? { out: true as const } : {}),
  }
  const stage = state.staged.get(target.release) === target.digest ? 'present' : 'send'
  if (state.current !== target.release) {
    const again = state.bad.includes(target.release) ? `; it left ${target.release} as bad before` : ''
    const because = `${state.current === null ? 'runs nothing yet' : `runs ${state.current}`}${again}`
    return { ...base, stage, act: 'activate', because }
  }
  if (stage === 'send')
    return { ...base, stage, act: 'activate', because: 'its copy is not the published one' }
  if (state.unconfirmed)
    return { ...base, stage, act: 'activate', because: 'an earlier switch was never confirmed' }
  return { ...base, stage, act: 'verify', because: `already on ${target.release}` }
}

function whyNoWayBack({ release, compatibility }: Target, state: HostView): string | undefined {
  const back = wayBackOf(state, release)
  return back === null || compatibility === undefined ? undefined : whyNotBack(compatibility, release, back)
}

/** What the config says about a rollout, as far as a plan needs it. */
export type RolloutChoice = Pick<
  RolloutConfig,
  'strategy' | 'batch' | 'pause' | 'onFailure' | 'maxUnavailable' | 'canary' | 'maxFailures'
>

export function policyOf(rollout: RolloutChoice): RolloutPolicy {
  return {
    sizes: rollout.strategy === 'parallel' ? [{ percent: 100 }] : rollout.batch,
    ...(rollout.canary === undefined ? {} : { canary: rollout.canary }),
    ...(rollout.maxUnavailable === undefined ? {} : { maxUnavailable: rollout.maxUnavailable }),
    maxFailures: rollout.maxFailures,
    pause: rollout.pause,
    onFailure: rollout.onFailure,
  }
}

/**
 * A rollout of one release to all these hosts. Hosts whose last switch was never confirmed go first, then those that run
 * nothing, because they are likely out of service already; hosts that run the release are only looked at. Hosts of
 * different zones follow each other.
 */
export function planDeploy(
  target: Target,
  states: readonly HostView[],
  rollout: RolloutChoice,
  options: { readonly onlyOutdated?: boolean } = {},
): RolloutPlan {
  const steps = states.map((state) => ({ state, step: stepTo(target, state) }))
  const skipped: Skip[] = []
  const kept: { state: HostView; step: HostStep }[] = []
  for (const each of steps) {
    if (options.onlyOutdated === true && each.step.act === 'verify')
      skipped.push({ host: each.state.host, because: each.step.because, runs: each.state.current })
    else kept.push(each)
  }
  const ordered = [0, 1, 2, 3].flatMap((level) =>
    interleave(kept.filter((each) => urgency(each) === level).map(({ step }) => step)),
  )
  const policy = policyOf(rollout)
  return {
    version: 1,
    kind: 'deploy',
    release: target.release,
    steps: ordered,
    skipped,
    ...foreseen(policy, ordered, states.length),
    ...policy,
  }
}

/** The same rollout for hosts that came after it. One that fails goes back alone: the others have proved the release. */
export function planLate(plan: RolloutPlan, steps: readonly HostStep[]): RolloutPlan {
  const policy: RolloutPolicy = {
    sizes: plan.sizes,
    ...(plan.maxUnavailable === undefined ? {} : { maxUnavailable: plan.maxUnavailable }),
    maxFailures: plan.maxFailures,
    pause: plan.pause,
    onFailure: plan.onFailure === 'rollback' ? 'rollback-host' : plan.onFailure,
  }
  const { version, kind, release } = plan
  return { version, kind, release, steps, skipped: [], ...foreseen(policy, steps, steps.length), ...policy }
}

/** The limit and the batches, if all goes well and the fleet stays as it is. Hosts that are only looked at are in no batch. */
export function foreseen(
  policy: RolloutPolicy,
  steps: readonly HostStep[],
  fleet: number,
): Pick<RolloutPlan, 'batchLimit' | 'batches'> {
  const all = steps.map((step) => ({ zone: step.zone, serving: step.out !== true }))
  const queue = steps.flatMap((step): Candidate[] =>
    step.act === 'activate' ? [{ host: step.host, zone: step.zone, serving: step.out !== true }] : [],
  )
  const limit = unavailableLimit(policy, fleet)
  const room = limit - queue.filter(({ serving }) => !serving).length
  return {
    batchLimit: limit,
    batches: previewBatches(policy, queue, { size: fleet, zones: zonesOf(all), room }),
  }
}

function urgency({ state, step }: { readonly state: HostView; readonly step: HostStep }): number {
  if (step.act === 'verify') return 3
  if (state.unconfirmed) return 0
  return state.current === null ? 1 : 2
}
