import type { HostOutcome, HostState } from '../events.js'

/** One state of a host, with its time in ms since 1970. The last one is open until the run ends. */
export interface Span {
  readonly state: HostState
  readonly from: number
  to?: number
}

export interface ProbeMark {
  readonly at: number
  readonly ok: boolean
  readonly because?: string
}

export interface Transfer {
  /** As many as are to be sent, or a count of something else where nobody told bytes. */
  readonly total: number
  readonly done: number
  /** Per second over the last moments; undefined until something can be said. */
  readonly rate?: number | undefined
}

/** What is known of a host; filled by RunModel alone. Texts are clean. */
export interface HostModel {
  readonly name: string
  state: HostState
  detail: string | undefined
  /** When it came into this state, and when it was first heard of. */
  since: number
  readonly startedAt: number
  batch: number | undefined
  readonly spans: Span[]
  transfer: Transfer | undefined
  /** Bytes that transfers of this run sent to it. */
  sent: number
  /** `delta on v1`. */
  sentAs: string | undefined
  lastProbe: LastProbe | undefined
  /** At most `mostProbes`; the count is of all. */
  readonly probes: ProbeMark[]
  /** Of all, and of the good ones. */
  probed: { good: number; bad: number }
  /** The last lines of its service's log. */
  log: string[]
  outcome: Ended | undefined
}

export interface LastProbe {
  readonly ok: boolean
  readonly because: string | undefined
  readonly streak: number
  readonly successes: number
  readonly uptime: number
  readonly minUptime: number
}

export interface Ended {
  readonly kind: HostOutcome
  readonly because: string | undefined
  /** Undefined: nobody could read it. */
  readonly runs: string | null | undefined
  readonly ms: number
}

export function hostModel(name: string, now: number): HostModel {
  return {
    name,
    state: 'connecting',
    detail: undefined,
    since: now,
    startedAt: now,
    batch: undefined,
    spans: [],
    transfer: undefined,
    sent: 0,
    sentAs: undefined,
    lastProbe: undefined,
    probes: [],
    probed: { good: 0, bad: 0 },
    log: [],
    outcome: undefined,
  }
}

const ends: ReadonlySet<HostState> = new Set(['done', 'failed', 'rolled-back', 'skipped', 'gone'])

/** A state in which nothing more is done to the host, unless it goes back. */
export const isEnd = (state: HostState): boolean => ends.has(state)

/** What a host is at now; neither waiting for its turn nor at an end. */
export const isActive = (state: HostState): boolean => !isEnd(state) && state !== 'staged'
