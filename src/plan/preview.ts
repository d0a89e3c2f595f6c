import type { Bound } from './bound.js'
import type { HostStep, RolloutPlan, Skip } from './types.js'

/** What a host's service is like before anything is done. */
export interface ServiceNow {
  /** `unchecked`: the config has no health check, or nothing runs that could be asked. */
  readonly health: 'healthy' | 'unhealthy' | 'unchecked'
  /** Why it is not healthy. */
  readonly because?: string
  /** The manager's own word. */
  readonly state?: string
  /** Seconds since the process started. */
  readonly uptime?: number
}

/** What goes over the line to one host. */
export interface SendEstimate {
  readonly bytes: number
  /** False when the bytes are only known once they are made. */
  readonly exact: boolean
  /** `archive as zstd`, `delta on v1`. */
  readonly as: string
}

/** The commits that come with a deploy, or go with a rollback, as far as this clone knows them. */
export type Changes =
  | {
      readonly kind: 'known'
      readonly from: string
      readonly added: CommitList
      readonly removed: CommitList
    }
  | { readonly kind: 'unknown'; readonly because: string }

export interface CommitList {
  readonly count: number
  /** The newest of them. */
  readonly commits: readonly { readonly id: string; readonly author: string; readonly subject: string }[]
}

export interface PreviewFacts {
  readonly app: string
  readonly environment: string
  readonly pointer: { readonly release: string; readonly generation: number } | null
  /** Only part of the fleet was chosen, so that the pointer stays. */
  readonly partial: boolean
  readonly lock: LockHolder | null
  readonly services: ReadonlyMap<string, ServiceNow>
  readonly sends: ReadonlyMap<string, SendEstimate>
  readonly changes: Changes
  /** What would be run besides: hooks, migrate. */
  readonly runs: readonly string[]
  readonly bound: Bound
}

export interface LockHolder {
  readonly owner: string
  readonly job?: string
  readonly url?: string
  /** ISO 8601. */
  readonly since: string
  readonly id: string
}

export interface PreviewHost extends HostStep {
  /** From 1; null for a host that is only looked at. */
  readonly batch: number | null
  readonly now: ServiceNow
  /** Null when the host has the release already. */
  readonly send: SendEstimate | null
}

/** What a rollout would do in the world as it is: the data of `--dry-run --json`. */
export interface Preview {
  readonly version: 1
  readonly app: string
  readonly environment: string
  readonly kind: RolloutPlan['kind']
  readonly release: string
  readonly onFailure: RolloutPlan['onFailure']
  readonly batchLimit: number
  /** Milliseconds between batches. */
  readonly pause: number
  readonly batches: RolloutPlan['batches']
  readonly hosts: readonly PreviewHost[]
  readonly skipped: readonly Skip[]
  readonly pointer: {
    readonly now: { readonly release: string; readonly generation: number } | null
    /** The release that it names at the end when all goes well. */
    readonly then: string | null
  }
  readonly lock: LockHolder | null
  readonly send: { readonly hosts: number; readonly bytes: number; readonly exact: boolean }
  readonly changes: Changes
  readonly runs: readonly string[]
  readonly bound: Bound
}

export function previewOf(plan: RolloutPlan, facts: PreviewFacts): Preview {
  const batchOf = new Map(
    plan.batches.flatMap((batch, index) => batch.map((host) => [host, index + 1] as const)),
  )
  const hosts = plan.steps.map((step): PreviewHost => ({
    ...step,
    batch: batchOf.get(step.host) ?? null,
    now: facts.services.get(step.host) ?? { health: 'unchecked' },
    send: step.stage === 'send' ? (facts.sends.get(step.host) ?? null) : null,
  }))
  const sends = hosts.flatMap(({ send }) => (send === null ? [] : [send]))
  const now = facts.pointer
  return {
    version: 1,
    app: facts.app,
    environment: facts.environment,
    kind: plan.kind,
    release: plan.release,
    onFailure: plan.onFailure,
    batchLimit: plan.batchLimit,
    pause: plan.pause,
    batches: plan.batches,
    hosts,
    skipped: plan.skipped,
    pointer: { now, then: facts.partial ? (now?.release ?? null) : plan.release },
    lock: facts.lock,
    send: {
      hosts: sends.length,
      bytes: sends.reduce((sum, send) => sum + send.bytes, 0),
      exact: sends.every((send) => send.exact),
    },
    changes: facts.changes,
    runs: facts.runs,
    bound: facts.bound,
  }
}

/** The release that most of these hosts leave, for the commits between; null when all run it, or none runs anything. */
export function releaseLeft(plan: Pick<RolloutPlan, 'steps'>): string | null {
  const counts = new Map<string, number>()
  for (const { from, to } of plan.steps)
    if (from !== null && from !== to) counts.set(from, (counts.get(from) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null
}
