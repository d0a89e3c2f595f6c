import type { HostStep, RolloutPlan } from '../types.js'

/**
 * The rollout as a value. `next` says what is to be done now, `apply` takes in what came of it; neither waits, looks at a
 * clock or guesses. Whoever performs the actions feeds an event for every host of an action before asking again.
 */
export interface RolloutState {
  readonly plan: RolloutPlan
  readonly hosts: ReadonlyMap<string, HostInRollout>
  /** Who is to be switched, in order. */
  readonly queue: readonly string[]
  /** Confirmed by this rollout, in the order in which they were. */
  readonly confirmed: readonly string[]
  /** Failures of which nobody knows yet whether the host has only left the fleet. */
  readonly unchecked: readonly string[]
  /** Who goes back, and why, in order. */
  readonly returning: readonly { readonly host: string; readonly because: string }[]
  /** Batches begun so far. */
  readonly batches: number
  /** Whether the fleet was asked since the last batch. */
  readonly asked: boolean
  /** Why the fleet could not be asked the last time. */
  readonly unanswered: string | undefined
  /** Canaries that are still to be watched. */
  readonly baking: readonly string[]
  readonly pauseDue: boolean
  /** `begun`: from the first switch on; `finished`: nobody objects to how it went. */
  readonly stage: 'before' | 'begun' | 'finished'
  /** Nothing new is begun any more, and why. */
  readonly aborted: string | undefined
  readonly stopped: 'interrupted' | 'lost' | undefined
  /** What keeps this from being a success although no host says so. */
  readonly problem: string | undefined
}

export interface HostInRollout {
  readonly step: HostStep
  readonly place: Place
  /** Whether a healthy release runs there, as far as is known. */
  readonly serving: boolean
  /** Came when the rollout was under way. One that can't even be staged ends nothing: the others are worth more. */
  readonly joined: boolean
}

export type Place =
  | { readonly at: 'waiting' | 'staged' | 'queued' }
  | { readonly at: 'new'; readonly restarted: boolean; readonly because?: string }
  /**
   * `switched`: it runs, or may run, what failed. `runs` is undefined when nobody could read it. `counts`: against the
   * failures that the rollout may have. `unheard`: it joined and never said a word, so that it tells nothing of the release.
   */
  | {
      readonly at: 'failed'
      readonly because: string
      readonly switched: boolean
      readonly runs: string | null | undefined
      readonly counts: boolean
      readonly unheard?: true
    }
  | { readonly at: 'returned'; readonly because: string; readonly runs: string | null }
  | { readonly at: 'stuck'; readonly because: string; readonly runs: string | null | undefined }
  | { readonly at: 'skipped'; readonly because: string }
  | { readonly at: 'gone' }

/** What is to be done now. */
export type Action =
  | { readonly kind: 'stage' | 'verify' | 'return'; readonly hosts: readonly string[] }
  /** Who of these has left the fleet? Answered by `left`. */
  | { readonly kind: 'recheck'; readonly hosts: readonly string[] }
  /** Who is in the fleet? Answered by `fleet` or `unanswered`. `insist`: the end hangs on it, so it is worth some time. */
  | { readonly kind: 'ask'; readonly insist: boolean }
  | {
      readonly kind: 'switch'
      readonly hosts: readonly string[]
      readonly number: number
      /** Batches in all, if nothing goes wrong from here. */
      readonly of: number
    }
  | { readonly kind: 'bake'; readonly hosts: readonly string[]; readonly ms: number }
  | { readonly kind: 'pause'; readonly ms: number }
  /** Before the first switch, and after the last: somebody may object. */
  | { readonly kind: 'begin' | 'finish' }
  /** No host may be taken out of service any more. Answered by `gave-up` with the reason. */
  | { readonly kind: 'give-up'; readonly because: string }
  | { readonly kind: 'end' }

/** What came of an action, or from outside (`stop`). */
export type Event =
  | { readonly kind: 'staged'; readonly host: string }
  | { readonly kind: 'not-staged'; readonly host: string; readonly because: string }
  | { readonly kind: 'verified'; readonly host: string; readonly healthy: boolean }
  | { readonly kind: 'left'; readonly hosts: readonly string[] }
  | {
      readonly kind: 'fleet'
      readonly gone: readonly string[]
      readonly joined: readonly HostStep[]
      /** Joined hosts that can't be deployed to. */
      readonly unfit: readonly {
        readonly host: string
        readonly because: string
        readonly unreachable?: true
      }[]
    }
  | { readonly kind: 'unanswered'; readonly because: string }
  | { readonly kind: 'switched'; readonly host: string }
  | {
      readonly kind: 'failed'
      readonly host: string
      readonly because: string
      readonly switched: boolean
      readonly runs: string | null | undefined
    }
  | { readonly kind: 'batch-done'; readonly hosts: readonly string[] }
  | { readonly kind: 'baked' | 'paused' | 'began' | 'finished' }
  | { readonly kind: 'objected'; readonly because: string }
  | { readonly kind: 'gave-up'; readonly because: string }
  | {
      readonly kind: 'returned'
      readonly host: string
      readonly runs: string | null
    }
  | {
      readonly kind: 'stuck'
      readonly host: string
      readonly because: string
      readonly runs: string | null | undefined
    }
  /** It is out of traffic and could not be brought back. */
  | { readonly kind: 'stranded'; readonly host: string; readonly because: string }
  | { readonly kind: 'stop'; readonly why: 'interrupted' | 'lost' }

/** A host of the fleet that the rollout goes on without. `runs` undefined: nobody could read it. */
export interface Unreachable {
  readonly host: string
  readonly because: string
  readonly runs?: string | null | undefined
}

/** Before the first action. `unreachable`: hosts of the fleet that the policy allows to do without. */
export function startRollout(plan: RolloutPlan, unreachable: readonly Unreachable[] = []): RolloutState {
  const hosts = new Map<string, HostInRollout>()
  for (const { host, because, runs } of plan.skipped) {
    const step = { ...lookAt(host, plan.release), from: runs, because }
    const place: Place =
      runs === plan.release ? { at: 'new', restarted: false, because } : { at: 'skipped', because }
    hosts.set(host, { step, place, serving: runs !== null, joined: false })
  }
  for (const { host, because, runs } of unreachable) {
    const place: Place = { at: 'failed', because, switched: false, runs, counts: false }
    hosts.set(host, { step: lookAt(host, plan.release), place, serving: false, joined: false })
  }
  for (const step of plan.steps) hosts.set(step.host, entering(step, false))
  return {
    plan,
    hosts,
    queue: queueOf(plan.steps),
    confirmed: [],
    unchecked: [],
    returning: [],
    batches: 0,
    asked: false,
    unanswered: undefined,
    baking: [],
    pauseDue: false,
    stage: 'before',
    aborted: undefined,
    stopped: undefined,
    problem: undefined,
  }
}

export function entering(step: HostStep, joined: boolean): HostInRollout {
  return { step, place: { at: 'waiting' }, serving: step.out !== true, joined }
}

export function queueOf(steps: readonly HostStep[]): readonly string[] {
  return steps.filter(({ act }) => act === 'activate').map(({ host }) => host)
}

/** The step of a host that nothing is done to. */
export function lookAt(host: string, release: string): HostStep {
  return { host, from: null, to: release, stage: 'present', act: 'verify', because: '' }
}

/** Names of the hosts in that place. */
export function hostsAt(state: RolloutState, ...places: readonly Place['at'][]): readonly string[] {
  return [...state.hosts].flatMap(([name, { place }]) => (places.includes(place.at) ? [name] : []))
}

/** Nothing more will be done to it. */
export const isLost = ({ place, serving }: HostInRollout): boolean =>
  !serving && (place.at === 'failed' || place.at === 'stuck' || place.at === 'returned')
