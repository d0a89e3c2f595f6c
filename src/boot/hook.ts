import type { Config } from '../config/types.js'
import { DeliverError } from '../errors.js'

/** The lifecycle hook that a server which boots completes or abandons. */
export interface BootHook {
  readonly name: string
  readonly group: string
  /** Of the group; undefined: where its instances are. */
  readonly region?: string
}

export function bootHook({ boot, fleet }: Config): BootHook | undefined {
  if (boot.lifecycleHook === undefined) return undefined
  const autoscaling = fleet !== undefined && 'autoscaling' in fleet ? fleet.autoscaling : undefined
  const names = autoscaling !== undefined && 'names' in autoscaling.groups ? autoscaling.groups.names : []
  const [only, ...others] = names
  const group = boot.group ?? (others.length === 0 ? only : undefined)
  if (group === undefined)
    throw new DeliverError('usage', 'boot.group: which group the lifecycle hook is of is not said', {
      fix: "Write boot: { group: 'api-prod' }, or name one group in fleet.autoscaling.",
    })
  const region = autoscaling?.region
  return { name: boot.lifecycleHook, group, ...(region === undefined ? {} : { region }) }
}
