import type { BatchSize } from '../config/types.js'

/** What a plan needs to know of one host. Read from the host; see execute/facts.ts. */
export interface HostView {
  readonly host: string
  /** The release that `current` names, null when there is none. */
  readonly current: string | null
  /** A switch to `current` that nobody confirmed: whether it is healthy is unknown. */
  readonly unconfirmed: boolean
  /** Complete releases on the host and the digests of their manifests. */
  readonly staged: ReadonlyMap<string, string>
  /** Releases that settled on this host, oldest first. */
  readonly good: readonly string[]
  /** Releases that this host was rolled back from. */
  readonly bad: readonly string[]
  /** How `current` came to be confirmed. */
  readonly via: 'deploy' | 'rollback' | undefined
  /** The last switch that was undone: to what, and what runs again since. */
  readonly reverted?: { readonly release: string; readonly previous: string }
  /** The label that batches are spread by. */
  readonly zone?: string
}

/** What will be done to one host, and why. */
export interface HostStep {
  readonly host: string
  readonly from: string | null
  readonly to: string
  /** `send`: the archive goes to the host; `present`: the complete release is there already. */
  readonly stage: 'present' | 'send'
  /** `activate`: switch and restart; `verify`: it runs already, so only its health is read. */
  readonly act: 'activate' | 'verify'
  readonly because: string
  /** Why this host must not go back by itself when its switch fails; undefined: it may. */
  readonly noWayBack?: string
  readonly zone?: string
  /** Likely out of service: nothing runs there, or nobody confirmed what does. */
  readonly out?: true
}

export interface Skip {
  readonly host: string
  readonly because: string
  readonly runs: string | null
}

/** In which steps hosts are switched, and how much may go wrong. */
export interface RolloutPolicy {
  /** Of the batches in turn; the last one repeats. */
  readonly sizes: readonly BatchSize[]
  /** A first batch of its own, and for how many milliseconds its health is watched before the next. */
  readonly canary?: { readonly hosts: number; readonly bake: number }
  /** The most hosts out of service, for whatever reason. Undefined: the largest batch, beside hosts that are lost. */
  readonly maxUnavailable?: BatchSize
  /** Failed hosts that don't end the rollout. */
  readonly maxFailures: BatchSize
  /** Milliseconds between batches. */
  readonly pause: number
  /** `go-on` is for rollbacks: a host that doesn't come back must not keep the others on the bad release. */
  readonly onFailure: 'rollback' | 'rollback-host' | 'stop' | 'go-on'
}

/** What a rollout will do, before any of it is done. The executor adds nothing to it but what the fleet itself changes. */
export interface RolloutPlan extends RolloutPolicy {
  readonly version: 1
  readonly kind: 'deploy' | 'rollback'
  /** The release that the fleet, and with it the pointer, ends on. */
  readonly release: string
  readonly steps: readonly HostStep[]
  /** Hosts that need nothing, not even a look. */
  readonly skipped: readonly Skip[]
  /** The most hosts that may be out of service at once. */
  readonly batchLimit: number
  /** Of the hosts that are switched; those that are only looked at are in none. */
  readonly batches: readonly (readonly string[])[]
}
