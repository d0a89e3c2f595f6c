import type { RolloutConfig } from '../config/types.js'
import { batchLimit, inBatches } from './batches.js'
import { wayBackOf, whyNotBack, type Compatibility } from './compatibility.js'
import type { HostView, HostStep, RolloutPlan, Skip } from './types.js'

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

/**
 * A rollout of one release to all these hosts. Hosts whose last switch was never confirmed go first, then those that run
 * nothing, because they are likely out of service already; hosts that run the release are only looked at.
 */
export function planDeploy(
  target: Target,
  states: readonly HostView[],
  rollout: Pick<RolloutConfig, 'strategy' | 'batch' | 'pause' | 'onFailure'>,
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
  const limit = batchLimit(rollout, states.length)
  const ordered = [...kept].sort((a, b) => urgency(a) - urgency(b)).map(({ step }) => step)
  return {
    version: 1,
    kind: 'deploy',
    release: target.release,
    steps: ordered,
    skipped,
    batchLimit: limit,
    batches: batchesOf(ordered, limit),
    pause: rollout.pause,
    onFailure: rollout.onFailure,
  }
}

/** Hosts that are only looked at are in no batch. */
export function batchesOf(steps: readonly HostStep[], limit: number): readonly (readonly string[])[] {
  const switching = steps.filter((step) => step.act === 'activate').map((step) => step.host)
  return inBatches(switching, limit)
}

function urgency({ state, step }: { readonly state: HostView; readonly step: HostStep }): number {
  if (step.act === 'verify') return 3
  if (state.unconfirmed) return 0
  return state.current === null ? 1 : 2
}
