import type { AutoscalingConfig, FleetInstance } from '../../config/types.js'

/** What is asked of Auto Scaling and EC2. Failures are DeliverErrors; what may pass has been tried again by then. */
export interface AutoscalingApi {
  /** All groups of a query, whatever there is of them. */
  groups(query: AutoscalingConfig['groups'], signal?: AbortSignal): Promise<readonly Group[]>
  /** Those of the instances that EC2 knows and the filters let through, in any order. */
  instances(
    ids: readonly string[],
    filters: AutoscalingConfig['filters'],
    signal?: AbortSignal,
  ): Promise<readonly Ec2Instance[]>
  /** Also lowers the group's desired capacity. Of at most 20 instances. */
  enterStandby(group: string, ids: readonly string[], signal?: AbortSignal): Promise<void>
  /** Also raises the group's desired capacity. Of at most 20 instances. */
  exitStandby(group: string, ids: readonly string[], signal?: AbortSignal): Promise<void>
  setSizes(
    group: string,
    sizes: { readonly min: number } | { readonly max: number },
    signal?: AbortSignal,
  ): Promise<void>
  /** For errors and people. */
  region(): Promise<string>
}

/** Most instances that one request may put into standby or take out of it. */
export const mostMoved = 20

export interface Group {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly desired: number
  readonly members: readonly GroupMember[]
}

export interface GroupMember {
  readonly id: string
  readonly group: string
  /** Lifecycle state; AWS may invent more. */
  readonly state: string
  readonly healthy: boolean
}

export interface Ec2Instance extends Omit<FleetInstance, 'group'> {
  /** `running`, `shutting-down` and the like. */
  readonly state: string
  /** Milliseconds since 1970. */
  readonly launchedAt?: number
  readonly lifecycle: 'spot' | 'on-demand'
}
