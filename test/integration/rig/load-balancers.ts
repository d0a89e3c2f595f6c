import * as classic from '@aws-sdk/client-elastic-load-balancing'
import * as elb from '@aws-sdk/client-elastic-load-balancing-v2'
import * as ec2 from '@aws-sdk/client-ec2'
import type { Groups } from './auto-scaling.js'
import type { AwsCall } from './aws-proxy.js'

/** What both kinds of load balancers have in common, as far as deploys meet it. */
export interface LoadBalancer {
  /** As the config says it. */
  readonly drain: object
  /** Actions of the API. */
  readonly actions: { readonly register: string; readonly deregister: string; readonly health: string }
  /** Made anew, with nobody in it. */
  create(groups: Groups): Promise<void>
  register(id: string): Promise<void>
  /** Ids of those that are registered, straight from the emulator. */
  registered(): Promise<readonly string[]>
  /** The emulator's answer about health, with these states instead of its own. */
  answer(body: string, states: readonly TargetState[]): string
}

export interface TargetState {
  readonly id: string
  readonly is: 'healthy' | 'unhealthy' | 'initial' | 'draining'
}

const name = 'api'
const port = 8080
const region = 'eu-west-1'
const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' }

export function targetGroup(endpoint: string): LoadBalancer {
  const client = new elb.ElasticLoadBalancingV2Client({ endpoint, region, credentials })
  let arn = ''
  const reasons: Readonly<Record<TargetState['is'], string>> = {
    healthy: '',
    unhealthy:
      '<Reason>Target.ResponseCodeMismatch</Reason><Description>Health checks failed with these codes: [500]</Description>',
    initial: '<Reason>Elb.RegistrationInProgress</Reason>',
    draining: '<Reason>Target.DeregistrationInProgress</Reason>',
  }
  return {
    drain: { targetGroups: [name] },
    actions: {
      register: 'RegisterTargets',
      deregister: 'DeregisterTargets',
      health: 'DescribeTargetHealth',
    },
    async create(groups) {
      if (arn !== '') await client.send(new elb.DeleteTargetGroupCommand({ TargetGroupArn: arn }))
      const subnets = await groups.ec2.send(new ec2.DescribeSubnetsCommand({ SubnetIds: [groups.subnet] }))
      const made = await client.send(
        new elb.CreateTargetGroupCommand({
          Name: name,
          Protocol: 'HTTP',
          Port: port,
          VpcId: subnets.Subnets?.[0]?.VpcId,
          TargetType: 'instance',
        }),
      )
      arn = made.TargetGroups?.[0]?.TargetGroupArn ?? ''
    },
    async register(id) {
      const Targets = [{ Id: id, Port: port }]
      await client.send(new elb.RegisterTargetsCommand({ TargetGroupArn: arn, Targets }))
    },
    async registered() {
      const answer = await client.send(new elb.DescribeTargetHealthCommand({ TargetGroupArn: arn }))
      return (answer.TargetHealthDescriptions ?? []).map(({ Target }) => Target?.Id ?? '').sort()
    },
    answer(body, states) {
      const members = states.map(
        ({ id, is }) =>
          `<member><HealthCheckPort>${port}</HealthCheckPort><Target><Id>${id}</Id><Port>${port}</Port></Target><TargetHealth><State>${is}</State>${reasons[is]}</TargetHealth></member>`,
      )
      return withMembers(body, 'TargetHealthDescriptions', members)
    },
  }
}

export function classicBalancer(endpoint: string): LoadBalancer {
  const client = new classic.ElasticLoadBalancingClient({ endpoint, region, credentials })
  const LoadBalancerName = name
  return {
    drain: { loadBalancers: [name] },
    actions: {
      register: 'RegisterInstancesWithLoadBalancer',
      deregister: 'DeregisterInstancesFromLoadBalancer',
      health: 'DescribeInstanceHealth',
    },
    async create() {
      await client.send(new classic.DeleteLoadBalancerCommand({ LoadBalancerName }))
      await client.send(
        new classic.CreateLoadBalancerCommand({
          LoadBalancerName,
          AvailabilityZones: [`${region}a`],
          Listeners: [{ Protocol: 'http', LoadBalancerPort: 80, InstancePort: port }],
        }),
      )
    },
    async register(InstanceId) {
      const Instances = [{ InstanceId }]
      await client.send(new classic.RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName, Instances }))
    },
    async registered() {
      const answer = await client.send(new classic.DescribeInstanceHealthCommand({ LoadBalancerName }))
      return (answer.InstanceStates ?? []).map(({ InstanceId = '' }) => InstanceId).sort()
    },
    answer(body, states) {
      const members = states.map(({ id, is }) => {
        // One that drains is in service by this API.
        const [state, code, text] =
          is === 'healthy' || is === 'draining'
            ? ['InService', 'N/A', 'N/A']
            : is === 'initial'
              ? ['OutOfService', 'ELB', 'Instance registration is still in progress.']
              : ['OutOfService', 'Instance', 'Instance has failed at least the UnhealthyThreshold']
        return `<member><InstanceId>${id}</InstanceId><State>${state}</State><ReasonCode>${code}</ReasonCode><Description>${text}</Description></member>`
      })
      return withMembers(body, 'InstanceStates', members)
    },
  }
}

function withMembers(body: string, list: string, members: readonly string[]): string {
  const pattern = new RegExp(`<${list}>.*</${list}>|<${list} ?/>`, 's')
  if (!pattern.test(body)) throw new Error(`no ${list} in ${body}`)
  return body.replace(pattern, `<${list}>${members.join('')}</${list}>`)
}

/** How often a target is seen draining, and seen registered but not healthy yet, before it is what it becomes. */
const looks = 1

/**
 * What the emulator's load balancers lack: targets drain for a while, and are then as well as `isWell` says. Give its two
 * functions to the proxy.
 */
export class TargetLife {
  readonly #balancer: LoadBalancer
  readonly #draining = new Map<string, number>()
  readonly #initial = new Map<string, number>()
  isWell: (id: string) => Promise<boolean>

  constructor(balancer: LoadBalancer, isWell: (id: string) => Promise<boolean>) {
    this.#balancer = balancer
    this.isWell = isWell
  }

  /** Ids to which traffic may still go. */
  async serving(): Promise<readonly string[]> {
    return [...(await this.#balancer.registered()), ...this.#draining.keys()].sort()
  }

  readonly before = ({ action, parameters }: AwsCall): undefined => {
    const ids = [...parameters].flatMap(([key, value]) => (/\.(Id|InstanceId)$/.test(key) ? [value] : []))
    const { register, deregister } = this.#balancer.actions
    for (const id of ids) {
      if (action === register) this.#draining.delete(id)
      if (action === register) this.#initial.set(id, looks)
      if (action === deregister) this.#draining.set(id, looks)
    }
  }

  readonly after = async ({ action, parameters }: AwsCall, body: string): Promise<string> => {
    if (action !== this.#balancer.actions.health) return body
    const asked = [...parameters].flatMap(([key, value]) => (/\.InstanceId$/.test(key) ? [value] : []))
    const registered = await this.#balancer.registered()
    const states: TargetState[] = []
    for (const id of registered) {
      if (asked.length > 0 && !asked.includes(id)) continue
      if (takeOne(this.#initial, id)) states.push({ id, is: 'initial' })
      else states.push({ id, is: (await this.isWell(id)) ? 'healthy' : 'unhealthy' })
    }
    // The classic API lists one that drains only when it is asked for it by name.
    const isListed = (id: string) => ('targetGroups' in this.#balancer.drain ? true : asked.includes(id))
    for (const id of [...this.#draining.keys()].filter(isListed))
      if (takeOne(this.#draining, id)) states.push({ id, is: 'draining' })
    return this.#balancer.answer(body, states)
  }
}

function takeOne(left: Map<string, number>, id: string): boolean {
  const count = left.get(id) ?? 0
  if (count > 0) left.set(id, count - 1)
  else left.delete(id)
  return count > 0
}
