import {
  batchSize,
  pickBatch,
  previewBatches,
  unavailableLimit,
  zonesOf,
  type Candidate,
} from '../batches.js'
import { hostsAt, isLost, type Action, type HostInRollout, type RolloutState } from './state.js'

/** What is to be done now. */
export function next(state: RolloutState): Action {
  const { plan } = state
  if (state.stopped === 'lost') return { kind: 'end' }
  if (state.unchecked.length > 0) return { kind: 'recheck', hosts: state.unchecked }
  if (state.returning.length > 0) return { kind: 'return', hosts: returnBatch(state) }
  if (state.aborted !== undefined || state.stopped !== undefined) return { kind: 'end' }

  const waiting = hostsAt(state, 'waiting')
  if (waiting.length > 0) return { kind: 'stage', hosts: waiting }
  const unseen = hostsAt(state, 'staged')
  if (unseen.length > 0) return { kind: 'verify', hosts: unseen }

  if (state.baking.length > 0) return { kind: 'bake', hosts: state.baking, ms: plan.canary?.bake ?? 0 }
  if (state.pauseDue && state.queue.length > 0) return { kind: 'pause', ms: plan.pause }
  if (!state.asked) return { kind: 'ask', insist: state.queue.length === 0 }
  if (state.queue.length > 0) return state.stage === 'before' ? { kind: 'begin' } : nextBatch(state)
  return state.stage === 'begun' ? { kind: 'finish' } : { kind: 'end' }
}

function nextBatch(state: RolloutState): Action {
  const { plan } = state
  const fleet = fleetOf(state)
  const number = state.batches + 1
  const queue = state.queue.flatMap((host) => candidate(state, host))
  const size = batchSize(plan, number, fleet.size)
  const hosts = pickBatch(queue, { size, room: fleet.room, zones: fleet.zones, fleet: fleet.size })
  if (hosts.length === 0) {
    const out = fleet.out.join(', ')
    return {
      kind: 'give-up',
      because: `not switched, because no more than ${fleet.limit} may be out of service, and ${out} are`,
    }
  }
  const foreseen = previewBatches(plan, queue, fleet, state.batches)
  return { kind: 'switch', hosts, number, of: state.batches + Math.max(1, foreseen.length) }
}

interface FleetNow {
  readonly size: number
  readonly limit: number
  /** In-service hosts that may still be taken out. */
  readonly room: number
  /** Names of the hosts that are out of service and count. */
  readonly out: readonly string[]
  readonly zones: ReturnType<typeof zonesOf>
}

function fleetOf(state: RolloutState): FleetNow {
  const { plan } = state
  const present = [...state.hosts].filter(([, { place }]) => place.at !== 'gone')
  const limit = unavailableLimit(plan, present.length)
  // Nobody is helped when those that failed to come back keep the others on the release that is being left.
  const lossesCount = plan.maxUnavailable !== undefined && plan.onFailure !== 'go-on'
  const out = present.flatMap(([name, host]) =>
    !host.serving && (lossesCount || !isLost(host)) ? [name] : [],
  )
  const zones = zonesOf(present.map(([, host]) => ({ zone: host.step.zone, serving: host.serving })))
  return { size: present.length, limit, room: limit - out.length, out, zones }
}

function candidate(state: RolloutState, name: string): readonly Candidate[] {
  const host: HostInRollout | undefined = state.hosts.get(name)
  return host === undefined ? [] : [{ host: name, zone: host.step.zone, serving: host.serving }]
}

/**
 * Who goes back now: those that failed first, since they are out of service already, then others as far as the limit
 * allows. At least one, whatever the limit: a release that failed is not left running for the sake of a number.
 */
function returnBatch(state: RolloutState): readonly string[] {
  const { size, zones } = fleetOf(state)
  const limit = unavailableLimit(state.plan, size)
  const queue = state.returning.flatMap(({ host }) => candidate(state, host))
  const waiting = queue.filter(({ serving }) => !serving).length
  const others = [...state.hosts.values()].filter(
    (host) => !host.serving && host.place.at !== 'gone' && !isLost(host),
  ).length
  const room = Math.max(limit - waiting - others, waiting > 0 ? 0 : 1)
  return pickBatch(queue, { size: limit, room, zones, fleet: size })
}
