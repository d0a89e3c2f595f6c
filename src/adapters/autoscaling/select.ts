import type { AutoscalingConfig } from '../../config/types.js'
import { DeliverError } from '../../errors.js'
import type { Host, PendingHost } from '../../ports.js'
import { addressOf } from './address.js'
import type { Ec2Instance, GroupMember } from './api.js'
import { labelsOf } from './labels.js'
import { phaseOf } from './lifecycle.js'

/** What a deploy has to do with the instances of the groups. */
export interface Selection {
  readonly hosts: readonly Host[]
  readonly pending: readonly PendingHost[]
  /** Neither: instances that somebody might miss, and why they are left out. */
  readonly ignored: readonly { readonly id: string; readonly because: string; readonly standby?: true }[]
}

export interface Census {
  readonly members: readonly GroupMember[]
  readonly instances: readonly Ec2Instance[]
  readonly config: AutoscalingConfig
  /** Instances that our own drain holds out of traffic: they are hosts of the fleet all the while. */
  readonly held: Pick<ReadonlySet<string>, 'has'>
  /** Instances that were hosts before. */
  readonly listed: ReadonlySet<string>
}

/** Members of several groups that overlap are one each. The order is that of the groups. */
export function distinctMembers(members: readonly GroupMember[]): readonly GroupMember[] {
  const byId = new Map<string, GroupMember>()
  for (const member of members) if (!byId.has(member.id)) byId.set(member.id, member)
  return [...byId.values()]
}

/** Whether EC2 has to be asked about it. */
export function isInteresting(
  member: GroupMember,
  { config, held }: Pick<Census, 'config' | 'held'>,
): boolean {
  return isWanted(member, { config, held }) || phaseOf(member.state) === 'pending'
}

export function selectInstances(census: Census): Selection {
  const { members, config, held } = census
  const instances = new Map(census.instances.map((instance) => [instance.id, instance]))
  const hosts: Host[] = []
  const pending: PendingHost[] = []
  const ignored: { id: string; because: string; standby?: true }[] = []
  for (const member of distinctMembers(members)) {
    const { id, state } = member
    const instance = instances.get(id)
    if (isWanted(member, { config, held })) {
      // Whoever writes filters means to leave instances out.
      if (instance === undefined && Object.keys(config.filters).length > 0) continue
      const because = unfit(member, instance, census)
      if (because === undefined && instance !== undefined) hosts.push(hostOf(member, instance, config))
      else if (because !== undefined) ignored.push({ id, because })
    } else if (phaseOf(state) === 'pending') {
      if (instance !== undefined && isAlive(instance)) pending.push(pendingHost(instance))
    } else if (phaseOf(state) === 'standby')
      ignored.push({ id, because: `it is in standby (${state})`, standby: true })
    else if (phaseOf(state) !== 'leaving')
      ignored.push({ id, because: `its lifecycle state is ${JSON.stringify(state)}` })
  }
  refuseSharedAddress(hosts)
  return { hosts, pending, ignored }
}

function isWanted({ id, state }: GroupMember, { config, held }: Pick<Census, 'config' | 'held'>): boolean {
  return config.states.includes(state) || (held.has(id) && phaseOf(state) !== 'leaving')
}

function isAlive({ state }: Ec2Instance): boolean {
  return state === 'running' || state === 'pending'
}

/**
 * An instance that the group calls unhealthy is about to be replaced. One that was a host of this run stays one until it
 * leaves: it may be what we switched it to that made it unhealthy, and then its failure must count.
 */
function unfit(
  { id, healthy }: GroupMember,
  instance: Ec2Instance | undefined,
  { listed }: Census,
): string | undefined {
  if (instance === undefined) return 'EC2 knows no such instance'
  if (!isAlive(instance)) return `EC2 says that it is ${instance.state}`
  return healthy || listed.has(id) ? undefined : 'it is unhealthy, and about to be replaced'
}

function hostOf(member: GroupMember, instance: Ec2Instance, config: AutoscalingConfig): Host {
  const address = addressOf({ ...instance, group: member.group }, config.address)
  return { name: instance.id, address, instance: instance.id, labels: labelsOf(member, instance) }
}

function pendingHost({ id, launchedAt }: Ec2Instance): PendingHost {
  return launchedAt === undefined ? { name: id } : { name: id, launchedAt }
}

function refuseSharedAddress(hosts: readonly Host[]): void {
  const owners = new Map<string, string>()
  for (const { address, name } of hosts) {
    const other = owners.get(address.toLowerCase())
    if (other !== undefined)
      throw new DeliverError(
        'usage',
        `fleet.autoscaling: ${name} and ${other} have one address, ${address}`,
        {
          fix: 'Two servers can only be told apart by their addresses: see fleet.autoscaling.address.',
        },
      )
    owners.set(address.toLowerCase(), name)
  }
}
