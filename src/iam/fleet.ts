import { permissions } from '../adapters/aws/permissions.js'
import type { AutoscalingConfig, Config } from '../config/types.js'
import { allow, groupArn, partitionOf, type Statement } from './policy.js'

/** What deploying to instances takes: reading the groups and, where the config drains, taking instances out of traffic. */
export function fleetStatements({ fleet, rollout }: Config): readonly Statement[] {
  if (fleet === undefined || !('autoscaling' in fleet)) return []
  const { autoscaling } = fleet
  const { region } = autoscaling
  const { drain } = rollout
  // AWS knows no narrower resource for what only looks.
  const look = allow('FindInstances', permissions.autoscalingFleet, ['*'])
  const balancer = `arn:${partitionOf(region)}:elasticloadbalancing:${region ?? '*'}:*`
  switch (drain.kind) {
    case 'none':
      return [look]
    case 'standby':
      return [look, allow('Standby', permissions.standby, groupsOf(autoscaling))]
    case 'targetGroups':
      return [
        look,
        ...looksAndChanges(
          'TargetGroups',
          permissions.targetGroups,
          drain.groups.map((group) =>
            group.startsWith('arn:') ? group : `${balancer}:targetgroup/${group}/*`,
          ),
        ),
      ]
    case 'loadBalancers':
      return [
        look,
        ...looksAndChanges(
          'LoadBalancers',
          permissions.loadBalancers,
          drain.names.map((name) => `${balancer}:loadbalancer/${name}`),
        ),
      ]
  }
}

function groupsOf({ groups, region }: AutoscalingConfig): readonly string[] {
  // Which groups carry a tag is known only when they are asked.
  const names = 'names' in groups ? groups.names : ['*']
  return names.map((group) => groupArn({ group, region }))
}

function looksAndChanges(
  what: string,
  actions: readonly string[],
  resources: readonly string[],
): readonly Statement[] {
  const looks = actions.filter((action) => action.includes(':Describe'))
  const changes = actions.filter((action) => !looks.includes(action))
  return [allow(`Look${what}`, looks, ['*']), allow(`Change${what}`, changes, resources)]
}
