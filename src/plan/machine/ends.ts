import { budgetFor } from '../batches.js'
import type { Outcome } from '../outcome.js'
import { hostsAt, type HostInRollout, type RolloutState } from './state.js'

type Without<T, K extends PropertyKey> = T extends T ? Omit<T, K> : never

/** An outcome, but for how long it took. */
export type Ending = Without<Outcome, 'ms'>

/** What became of a host; undefined while something is to come. */
export function endingOf(state: RolloutState, host: string): Ending | undefined {
  const found = state.hosts.get(host)
  return found === undefined ? undefined : ending(host, found)
}

function ending(host: string, { place, step }: HostInRollout): Ending | undefined {
  switch (place.at) {
    case 'waiting':
    case 'staged':
    case 'queued':
      return undefined
    case 'new': {
      const because = place.because === undefined ? {} : { because: place.because }
      return { host, kind: 'done', runs: step.to, restarted: place.restarted, ...because }
    }
    case 'failed': {
      const { because, switched, runs } = place
      return { host, kind: 'failed', because, switched, runs }
    }
    case 'returned':
      return { host, kind: 'rolled-back', because: place.because, runs: place.runs }
    case 'stuck':
      return { host, kind: 'rollback-failed', because: place.because, runs: place.runs }
    case 'skipped':
      return { host, kind: 'skipped', because: place.because, runs: step.from }
    case 'gone':
      return { host, kind: 'gone', because: 'left the fleet during the deploy' }
  }
}

/**
 * Whether the release may count as rolled out, with no more failures than the policy allows: what boots from now on may
 * come up with it. Not whether every host runs it.
 */
export function isAccepted(state: RolloutState): boolean {
  if (problemOf(state) !== undefined || state.aborted !== undefined) return false
  const planned = new Set(state.plan.skipped.map(({ host }) => host))
  if (hostsAt(state, 'skipped').some((host) => !planned.has(host))) return false
  if (hostsAt(state, 'waiting', 'staged', 'queued', 'stuck').length > 0) return false
  const failed = hostsAt(state, 'failed', 'returned').filter((host) => !isAllowed(state, host))
  return (
    hostsAt(state, 'new').length > 0 && failed.length <= budgetFor(state.plan.maxFailures, state.hosts.size)
  )
}

/** Why the rollout is no success although its hosts may be well. */
export function problemOf(state: RolloutState): string | undefined {
  if (state.problem !== undefined) return state.problem
  return state.unanswered === undefined
    ? undefined
    : `the fleet could not be asked at the end: ${state.unanswered}`
}

/**
 * Out of reach: from the start, which the policy allows, or since it joined. A server that joins gets the pointer's release when it boots,
 * and that has to be the one that the others are on.
 */
function isAllowed(state: RolloutState, host: string): boolean {
  const found = state.hosts.get(host)
  if (found?.place.at !== 'failed' || found.place.counts) return false
  return !found.joined || found.place.unheard === true
}
