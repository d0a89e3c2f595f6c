import type { Event, RolloutState, Unreachable } from '../plan/machine/state.js'
import type { RolloutPlan } from '../plan/types.js'
import type { FleetWatch, Member } from './fleet-watch.js'
import type { Ledger } from './ledger.js'
import type { ReleaseMaterial } from './material.js'
import type { ReadyDeltas } from './ready-deltas.js'
import type { Run } from './run.js'
import type { StepContext } from './steps.js'
import type { Drainage, Traffic } from './traffic.js'

export interface Rollout {
  readonly plan: RolloutPlan
  readonly members: readonly Member[]
  /** Hosts of the fleet that are out of reach, and that the policy allows to do without. */
  readonly unreachable?: readonly Unreachable[]
  readonly watch: FleetWatch
  /** What is sent to hosts that lack a release. Made once for each, and only if a host needs it. */
  readonly material: (release: string) => Promise<ReleaseMaterial>
  /** What was made for hosts when a release was published. */
  readonly ready?: (release: string) => ReadyDeltas | undefined
  /** The manifest digest of a release of the plan. */
  readonly digest: (release: string) => string
  /** Undefined: hosts are switched while they are in traffic. */
  readonly drainage?: Drainage
}

/** What the actions of a rollout work with. */
export interface Working {
  readonly run: Run
  readonly rollout: Rollout
  readonly traffic: Traffic
  readonly ledger: Ledger
  /** By name; who joins is added. */
  readonly members: Map<string, Member>
  /** As it is now. */
  readonly state: RolloutState
  readonly feed: (event: Event) => void
}

export function membersOf({ members }: Working, names: readonly string[]): readonly Member[] {
  return names.flatMap((name) => members.get(name) ?? [])
}

/** For what is run around a step of these hosts. */
export function contextOf({ rollout }: Working, members: readonly Member[]): StepContext {
  const hosts = members.map(({ probed, step }) => ({ host: probed.host, step }))
  return { kind: rollout.plan.kind, release: rollout.plan.release, hosts }
}
