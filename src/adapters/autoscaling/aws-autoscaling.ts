import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling'
import type { Instance } from '@aws-sdk/client-ec2'
import type { AutoscalingConfig } from '../../config/types.js'
import type { Clock } from '../../ports.js'
import { clientOptions, shortAnswers, type AwsSettings } from '../aws/clients.js'
import { allPages, inChunks, type Page } from '../aws/pages.js'
import { request, type Asking } from '../aws/requests.js'
import { loadAutoScaling, loadEc2 } from '../aws/sdk.js'
import type { AutoscalingApi, Ec2Instance, Group } from './api.js'

/** Group names in one request, and instance ids in one filter, as AWS bounds them. */
const mostNames = 50
const mostIds = 200

const section = 'fleet.autoscaling'

/** Auto Scaling and EC2 by the SDK. */
export function createAwsAutoscaling(settings: AwsSettings, clock: Clock): AutoscalingApi {
  // EC2's client takes half a second to load: that happens while Auto Scaling answers.
  const ec2 = once(async () => {
    const sdk = await loadEc2()
    return { sdk, client: new sdk.EC2Client(clientOptions(settings, shortAnswers)) }
  })
  const scaling = once(async () => {
    const sdk = await loadAutoScaling()
    return { sdk, client: new sdk.AutoScalingClient(clientOptions(settings, shortAnswers)) }
  })
  const region = async () => (await scaling()).client.config.region()
  const shared = { section, settings, clock, region }
  const askScaling = <T>(asking: Asking, work: (signal: AbortSignal) => Promise<T>) =>
    request({ ...shared, name: 'Auto Scaling' }, asking, work)
  const askEc2 = <T>(asking: Asking, work: (signal: AbortSignal) => Promise<T>) =>
    request({ ...shared, name: 'EC2' }, asking, work)

  async function describeGroups(
    query: { AutoScalingGroupNames: string[] } | { Filters: { Name: string; Values: string[] }[] },
    signal?: AbortSignal,
  ): Promise<readonly Group[]> {
    const { sdk, client } = await scaling()
    const asking = { doing: 'listing groups', permission: 'autoscaling:DescribeAutoScalingGroups', signal }
    const found = await allPages('Auto Scaling groups', (token) =>
      askScaling(asking, async (abortSignal): Promise<Page<AutoScalingGroup>> => {
        const page = { MaxRecords: 100, ...(token === undefined ? {} : { NextToken: token }) }
        const command = new sdk.DescribeAutoScalingGroupsCommand({ ...query, ...page })
        const answer = await client.send(command, { abortSignal })
        return { items: answer.AutoScalingGroups ?? [], next: answer.NextToken }
      }),
    )
    return found.map(groupOf)
  }

  async function describeInstances(
    ids: readonly string[],
    filters: AutoscalingConfig['filters'],
    signal?: AbortSignal,
  ): Promise<readonly Ec2Instance[]> {
    const { sdk, client } = await ec2()
    // A filter, because asking for an id that EC2 has forgotten already is an error for all of them.
    const Filters = [
      { Name: 'instance-id', Values: [...ids] },
      ...Object.entries(filters).map(([Name, values]) => ({ Name, Values: [...values] })),
    ]
    const asking = { doing: 'listing instances', permission: 'ec2:DescribeInstances', signal }
    const found = await allPages('EC2 instances', (token) =>
      askEc2(asking, async (abortSignal): Promise<Page<Instance>> => {
        const page = { MaxResults: 1000, ...(token === undefined ? {} : { NextToken: token }) }
        const answer = await client.send(new sdk.DescribeInstancesCommand({ Filters, ...page }), {
          abortSignal,
        })
        const items = (answer.Reservations ?? []).flatMap(({ Instances }) => Instances ?? [])
        return { items, next: answer.NextToken }
      }),
    )
    return found.flatMap(instanceOf)
  }

  return {
    region,
    async groups(query, signal) {
      ec2().catch(() => undefined)
      if ('tags' in query) {
        const Filters = Object.entries(query.tags).map(([key, value]) => ({
          Name: `tag:${key}`,
          Values: [value],
        }))
        return describeGroups({ Filters }, signal)
      }
      const chunks = inChunks([...new Set(query.names)], mostNames)
      return (
        await Promise.all(
          chunks.map((names) => describeGroups({ AutoScalingGroupNames: [...names] }, signal)),
        )
      ).flat()
    },
    async instances(ids, filters, signal) {
      const chunks = inChunks([...new Set(ids)], mostIds)
      return (await Promise.all(chunks.map((some) => describeInstances(some, filters, signal)))).flat()
    },
    async enterStandby(group, ids, signal) {
      const { sdk, client } = await scaling()
      const command = new sdk.EnterStandbyCommand({
        AutoScalingGroupName: group,
        InstanceIds: [...ids],
        ShouldDecrementDesiredCapacity: true,
      })
      const doing = `putting ${ids.join(', ')} of ${group} into standby`
      const asking = { doing, permission: 'autoscaling:EnterStandby', signal }
      await askScaling(asking, (abortSignal) => client.send(command, { abortSignal }))
    },
    async exitStandby(group, ids, signal) {
      const { sdk, client } = await scaling()
      const command = new sdk.ExitStandbyCommand({ AutoScalingGroupName: group, InstanceIds: [...ids] })
      const doing = `taking ${ids.join(', ')} of ${group} out of standby`
      const asking = { doing, permission: 'autoscaling:ExitStandby', signal }
      await askScaling(asking, (abortSignal) => client.send(command, { abortSignal }))
    },
    async setSizes(group, sizes, signal) {
      const { sdk, client } = await scaling()
      const command = new sdk.UpdateAutoScalingGroupCommand({
        AutoScalingGroupName: group,
        ...('min' in sizes ? { MinSize: sizes.min } : { MaxSize: sizes.max }),
      })
      const what =
        'min' in sizes
          ? `minimum size of ${group} to ${sizes.min}`
          : `maximum size of ${group} to ${sizes.max}`
      const asking = {
        doing: `setting the ${what}`,
        permission: 'autoscaling:UpdateAutoScalingGroup',
        signal,
      }
      await askScaling(asking, (abortSignal) => client.send(command, { abortSignal }))
    },
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

function groupOf(group: AutoScalingGroup): Group {
  const name = group.AutoScalingGroupName ?? ''
  return {
    name,
    min: group.MinSize ?? 0,
    max: group.MaxSize ?? 0,
    desired: group.DesiredCapacity ?? 0,
    members: (group.Instances ?? []).flatMap(({ InstanceId, LifecycleState, HealthStatus }) =>
      InstanceId === undefined
        ? []
        : [
            {
              id: InstanceId,
              group: name,
              state: LifecycleState ?? '',
              healthy: !/^unhealthy$/i.test(HealthStatus ?? ''),
            },
          ],
    ),
  }
}

function instanceOf(instance: Instance): readonly Ec2Instance[] {
  if (instance.InstanceId === undefined) return []
  const ofInterfaces = (instance.NetworkInterfaces ?? []).flatMap(({ Ipv6Addresses }) => Ipv6Addresses ?? [])
  const text = (
    key: 'privateAddress' | 'publicAddress' | 'ipv6Address' | 'privateName' | 'publicName',
    value?: string,
  ) => (value === undefined || value === '' ? {} : { [key]: value })
  return [
    {
      id: instance.InstanceId,
      zone: instance.Placement?.AvailabilityZone ?? '',
      type: instance.InstanceType ?? '',
      state: instance.State?.Name ?? 'unknown',
      lifecycle: instance.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
      ...(instance.LaunchTime === undefined ? {} : { launchedAt: instance.LaunchTime.getTime() }),
      ...text('privateAddress', instance.PrivateIpAddress),
      ...text('publicAddress', instance.PublicIpAddress),
      ...text('ipv6Address', instance.Ipv6Address ?? ofInterfaces[0]?.Ipv6Address),
      ...text('privateName', instance.PrivateDnsName),
      ...text('publicName', instance.PublicDnsName),
      tags: Object.fromEntries((instance.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    },
  ]
}
