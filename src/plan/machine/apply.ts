import { giveUp, judge, returnConfirmed, setPlace, skipRest } from './judge.js'
import { entering, lookAt, queueOf, type Event, type HostInRollout, type RolloutState } from './state.js'

/** The state after an event. */
export function apply(state: RolloutState, event: Event): RolloutState {
  switch (event.kind) {
    case 'staged': {
      const act = state.hosts.get(event.host)?.step.act
      return setPlace(state, event.host, { at: act === 'verify' ? 'staged' : 'queued' })
    }
    case 'not-staged': {
      const { step } = state.hosts.get(event.host) ?? { step: lookAt(event.host, state.plan.release) }
      const because = `could not be staged: ${event.because}`
      return fail(state, event.host, { because, switched: false, runs: step.from })
    }
    case 'verified':
      return event.healthy
        ? setPlace(
            state,
            event.host,
            { at: 'new', restarted: false, because: becauseOf(state, event.host) },
            true,
          )
        : toFront(setPlace(state, event.host, { at: 'queued' }, false), event.host)
    case 'left':
      return judge(leave({ ...state, unchecked: [] }, event.hosts), state.unchecked)
    case 'fleet':
      return join(leave({ ...state, asked: true, unanswered: undefined }, event.gone), event)
    case 'unanswered':
      return { ...state, asked: true, unanswered: event.because }
    case 'switched': {
      const moved = setPlace(state, event.host, { at: 'new', restarted: true }, true)
      return { ...moved, confirmed: [...moved.confirmed, event.host] }
    }
    case 'failed':
      return fail(state, event.host, event)
    case 'batch-done':
      return afterBatch(state, event.hosts)
    case 'baked':
      return { ...state, baking: [] }
    case 'paused':
      return { ...state, pauseDue: false, asked: false }
    case 'began':
      return { ...state, stage: 'begun' }
    case 'finished':
      return { ...state, stage: 'finished' }
    case 'objected':
      return objected(state, event.because)
    case 'gave-up':
      return skipRest({ ...state, aborted: event.because }, event.because)
    case 'returned': {
      const because = state.returning.find(({ host }) => host === event.host)?.because ?? ''
      const moved = setPlace(
        state,
        event.host,
        { at: 'returned', because, runs: event.runs },
        event.runs !== null,
      )
      return notReturning(moved, event.host)
    }
    case 'stuck': {
      const { because, runs } = event
      return notReturning(setPlace(state, event.host, { at: 'stuck', because, runs }, false), event.host)
    }
    case 'stranded':
      return stranded(state, event.host, event.because)
    case 'stop':
      return stop(state, event.why)
  }
}

function fail(
  state: RolloutState,
  host: string,
  { because, switched, runs }: Pick<Extract<Event, { kind: 'failed' }>, 'because' | 'switched' | 'runs'>,
): RolloutState {
  // One that couldn't be staged goes on with what it runs; one that failed in its batch counts as out of service.
  const was = state.hosts.get(host)
  const staging = was?.place.at === 'waiting'
  const counts = !(staging && was.joined)
  const failed = setPlace(
    state,
    host,
    { at: 'failed', because, switched, runs, counts },
    staging && was.serving,
  )
  return {
    ...failed,
    confirmed: failed.confirmed.filter((name) => name !== host),
    baking: failed.baking.filter((name) => name !== host),
    unchecked: [...failed.unchecked, host],
  }
}

/** A host that runs the release already and is ill goes first: it is out of service as it is. */
function toFront(state: RolloutState, host: string): RolloutState {
  return { ...state, queue: [host, ...state.queue.filter((name) => name !== host)] }
}

function leave(state: RolloutState, gone: readonly string[]): RolloutState {
  return gone.reduce<RolloutState>((before, host) => {
    if (!before.hosts.has(host)) return before
    const stays = (name: string): boolean => name !== host
    return {
      ...setPlace(before, host, { at: 'gone' }, false),
      confirmed: before.confirmed.filter(stays),
      unchecked: before.unchecked.filter(stays),
      baking: before.baking.filter(stays),
      returning: before.returning.filter((each) => stays(each.host)),
    }
  }, state)
}

/** A server may come under the name of one that went. */
function join(state: RolloutState, { joined, unfit }: Extract<Event, { kind: 'fleet' }>): RolloutState {
  const hosts = new Map<string, HostInRollout>(state.hosts)
  for (const step of joined) hosts.set(step.host, entering(step, true))
  for (const { host, because, unreachable } of unfit)
    hosts.set(host, {
      ...entering(lookAt(host, state.plan.release), true),
      place: {
        at: 'failed',
        because: `joined during the deploy: ${because}`,
        switched: false,
        runs: undefined,
        counts: false,
        ...(unreachable === undefined ? {} : { unheard: true }),
      },
      serving: false,
    })
  return { ...state, hosts, queue: [...state.queue, ...queueOf(joined)] }
}

function afterBatch(state: RolloutState, hosts: readonly string[]): RolloutState {
  const { plan } = state
  const first = state.batches === 0
  const healthy = hosts.filter((host) => state.hosts.get(host)?.place.at === 'new')
  return {
    ...state,
    batches: state.batches + 1,
    asked: false,
    baking: first && plan.canary !== undefined && plan.canary.bake > 0 ? healthy : [],
    pauseDue: plan.pause > 0,
  }
}

/** Before the first switch nothing begins; after the last one it is a failure of them all. */
function objected(state: RolloutState, because: string): RolloutState {
  if (state.stage === 'before') return giveUp(state, because)
  const finished: RolloutState = { ...state, stage: 'finished', aborted: because, problem: because }
  return state.plan.onFailure === 'rollback' ? returnConfirmed(finished, because) : finished
}

function notReturning(state: RolloutState, host: string): RolloutState {
  return { ...state, returning: state.returning.filter((each) => each.host !== host) }
}

function stranded(state: RolloutState, host: string, because: string): RolloutState {
  const was = state.hosts.get(host)
  if (was === undefined || was.place.at === 'gone') return state
  const runs = was.place.at === 'new' ? was.step.to : 'runs' in was.place ? was.place.runs : was.step.from
  return was.place.at === 'returned' || was.place.at === 'stuck'
    ? setPlace(state, host, { at: 'stuck', because, runs }, false)
    : setPlace(
        state,
        host,
        { at: 'failed', because, switched: was.place.at === 'new', runs, counts: true },
        false,
      )
}

function stop(state: RolloutState, why: 'interrupted' | 'lost'): RolloutState {
  if (state.stopped === 'lost' || state.stopped === why) return state
  const because = why === 'lost' ? 'the deploy lost its lock' : 'interrupted'
  const stopped = skipRest({ ...state, stopped: why, baking: [] }, because)
  if (why === 'interrupted') return stopped
  return stopped.returning.reduce<RolloutState>(
    (before, each) => {
      const text = `${because} (after: ${each.because})`
      return setPlace(before, each.host, { at: 'stuck', because: text, runs: undefined }, false)
    },
    { ...stopped, returning: [], unchecked: [] },
  )
}

function becauseOf(state: RolloutState, host: string): string {
  return state.hosts.get(host)?.step.because ?? ''
}
