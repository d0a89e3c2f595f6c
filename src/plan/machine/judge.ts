import { budgetFor } from '../batches.js'
import { hostsAt, type Place, type RolloutState } from './state.js'

const open: ReadonlySet<Place['at']> = new Set(['waiting', 'staged', 'queued'])

/** Moves a host. Without `serving` it serves as before. */
export function setPlace(state: RolloutState, name: string, place: Place, serving?: boolean): RolloutState {
  const host = state.hosts.get(name)
  if (host === undefined) return state
  const hosts = new Map(state.hosts).set(name, { ...host, place, serving: serving ?? host.serving })
  const queue = open.has(place.at) ? state.queue : state.queue.filter((each) => each !== name)
  return { ...state, hosts, queue }
}

/** Nothing is done any more to hosts that nothing was done to yet. */
export function skipRest(state: RolloutState, because: string): RolloutState {
  const rest = hostsAt(state, 'waiting', 'staged', 'queued')
  const skipped = rest.reduce<RolloutState>(
    (before, host) => setPlace(before, host, { at: 'skipped', because }),
    state,
  )
  return { ...skipped, queue: [], pauseDue: false, baking: [] }
}

export function giveUp(state: RolloutState, because: string): RolloutState {
  return skipRest({ ...state, aborted: because }, because)
}

/**
 * What new failures mean, now that these hosts are known to be still there. Within the budget only they go back, beyond it
 * the rollout ends as its policy says.
 */
export function judge(state: RolloutState, suspects: readonly string[]): RolloutState {
  const { plan } = state
  const failed = suspects.filter((name) => state.hosts.get(name)?.place.at === 'failed')
  if (failed.length === 0) return state
  if (plan.onFailure === 'go-on') return failed.reduce<RolloutState>(stayStuck, state)
  const back = plan.onFailure === 'stop' ? state : failed.reduce<RolloutState>(returnFailed, state)
  if (failures(state).length <= budgetFor(plan.maxFailures, state.hosts.size)) return back
  const counted = failed.filter((name) => failures(state).includes(name))
  if (counted.length === 0) return back
  const ended = giveUp(back, `not switched, because ${whatHappened(state, counted)}`)
  return plan.onFailure === 'rollback' ? returnConfirmed(ended, `${counted.join(', ')} failed`) : ended
}

/** Those that had switched go back too, newest first. One that ran nothing before stays: stopping its service helps nobody. */
export function returnConfirmed(state: RolloutState, because: string): RolloutState {
  const newestFirst = [...state.confirmed].reverse()
  const hasWayBack = (name: string): boolean => whyItStays(state, name) === undefined
  const returning = newestFirst.filter(hasWayBack).map((host) => ({ host, because }))
  return newestFirst
    .filter((name) => !hasWayBack(name))
    .reduce<RolloutState>(
      (before, name) =>
        setPlace(before, name, {
          at: 'new',
          restarted: true,
          because: `stays: ${whyItStays(state, name) ?? ''}`,
        }),
      { ...state, returning: [...state.returning, ...returning] },
    )
}

/** Why a host that is well on the new release doesn't go back; undefined: it does. */
function whyItStays(state: RolloutState, name: string): string | undefined {
  const step = state.hosts.get(name)?.step
  return step?.from === null ? 'nothing ran here before' : step?.noWayBack
}

/** Hosts that failed by themselves, whatever became of them since. */
function failures(state: RolloutState): readonly string[] {
  return [...state.hosts].flatMap(([name, { place }]) =>
    place.at === 'returned' || place.at === 'stuck' || (place.at === 'failed' && place.counts) ? [name] : [],
  )
}

function returnFailed(state: RolloutState, name: string): RolloutState {
  const place = state.hosts.get(name)?.place
  if (place?.at !== 'failed' || !place.switched) return state
  const noWayBack = state.hosts.get(name)?.step.noWayBack
  if (noWayBack !== undefined)
    return setPlace(state, name, { ...place, because: `${place.because}; it stays: ${noWayBack}` })
  return { ...state, returning: [...state.returning, { host: name, because: place.because }] }
}

function stayStuck(state: RolloutState, name: string): RolloutState {
  const place = state.hosts.get(name)?.place
  if (place?.at !== 'failed') return state
  return setPlace(state, name, { at: 'stuck', because: place.because, runs: place.runs })
}

function whatHappened(state: RolloutState, names: readonly string[]): string {
  const staging = names.every(
    (name) => state.hosts.get(name)?.place.at === 'failed' && state.stage === 'before',
  )
  return `${names.join(staging ? ' and ' : ', ')} ${staging ? 'could not be staged' : 'failed'}`
}
