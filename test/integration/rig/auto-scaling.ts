import * as scaling from '@aws-sdk/client-auto-scaling'
import * as ec2 from '@aws-sdk/client-ec2'
import type { Moto } from './moto.js'

const region = 'eu-west-1'
const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' }

/** Groups of the emulator, for tests to change behind the tool's back. */
export interface Groups {
  readonly scaling: scaling.AutoScalingClient
  readonly ec2: ec2.EC2Client
  readonly subnet: string
  /** Makes a group with so many instances, and gives their ids. */
  create(name: string, options: GroupOptions): Promise<readonly string[]>
  describe(name: string): Promise<scaling.AutoScalingGroup>
  /** id -> lifecycle state */
  states(name: string): Promise<Readonly<Record<string, string>>>
  instance(id: string): Promise<ec2.Instance>
  /** Ends an instance; the group gets smaller by one. */
  terminate(id: string): Promise<void>
}

export interface GroupOptions {
  readonly size: number
  readonly min?: number
  readonly max?: number
  readonly tags?: Readonly<Record<string, string>>
}

export async function openGroups(moto: Moto): Promise<Groups> {
  const settings = { endpoint: moto.endpoint, region, credentials }
  const scalingClient = new scaling.AutoScalingClient(settings)
  const ec2Client = new ec2.EC2Client(settings)
  const vpc = await ec2Client.send(new ec2.CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }))
  const made = await ec2Client.send(
    new ec2.CreateSubnetCommand({
      VpcId: vpc.Vpc?.VpcId,
      CidrBlock: '10.0.0.0/20',
      AvailabilityZone: `${region}a`,
    }),
  )
  const subnet = made.Subnet?.SubnetId ?? ''
  await scalingClient.send(
    new scaling.CreateLaunchConfigurationCommand({
      LaunchConfigurationName: 'app',
      ImageId: 'ami-12345678',
      InstanceType: 't3.small',
    }),
  )
  const describe = async (name: string): Promise<scaling.AutoScalingGroup> => {
    const query = new scaling.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] })
    const group = (await scalingClient.send(query)).AutoScalingGroups?.[0]
    if (group === undefined) throw new Error(`no group ${name}`)
    return group
  }
  const states = async (name: string): Promise<Readonly<Record<string, string>>> => {
    const { Instances = [] } = await describe(name)
    return Object.fromEntries(
      Instances.map(({ InstanceId = '', LifecycleState = '' }) => [InstanceId, LifecycleState]),
    )
  }
  return {
    scaling: scalingClient,
    ec2: ec2Client,
    subnet,
    describe,
    states,
    async create(name, { size, min = size, max = size, tags = {} }) {
      await scalingClient.send(
        new scaling.CreateAutoScalingGroupCommand({
          AutoScalingGroupName: name,
          LaunchConfigurationName: 'app',
          MinSize: min,
          MaxSize: max,
          DesiredCapacity: size,
          VPCZoneIdentifier: subnet,
          Tags: Object.entries(tags).map(([Key, Value]) => ({
            ResourceId: name,
            ResourceType: 'auto-scaling-group',
            PropagateAtLaunch: true,
            Key,
            Value,
          })),
        }),
      )
      return Object.keys(await states(name))
    },
    async instance(id) {
      const answer = await ec2Client.send(new ec2.DescribeInstancesCommand({ InstanceIds: [id] }))
      const found = answer.Reservations?.[0]?.Instances?.[0]
      if (found === undefined) throw new Error(`no instance ${id}`)
      return found
    },
    async terminate(id) {
      await scalingClient.send(
        new scaling.TerminateInstanceInAutoScalingGroupCommand({
          InstanceId: id,
          ShouldDecrementDesiredCapacity: true,
        }),
      )
    },
  }
}
