import type { InstanceState } from '@aws-sdk/client-elastic-load-balancing'
import type { Clock } from '../../ports.js'
import { clientOptions, shortAnswers, type AwsSettings } from '../aws/clients.js'
import { failureOf } from '../aws/failure.js'
import { request, type Asking } from '../aws/requests.js'
import { loadClassicLoadBalancers } from '../aws/sdk.js'
import { isThere, type Balancers, type Standing } from './balancers.js'
import type { Registration } from './entries.js'
import { standingText } from './standing-text.js'

const service = 'elasticloadbalancing'

const noSuch = {
  kind: 'usage',
  problem: 'no such classic load balancer',
  fix: 'Check rollout.drain.loadBalancers and the region; newer load balancers have target groups.',
} as const

const gone = new Set(['LoadBalancerNotFound', 'AccessPointNotFoundException'])

/** A terminated instance is forgotten after a while. */
const unknownInstance = new Set(['InvalidInstance', 'InvalidEndPointException'])

/** Classic load balancers, by name, through the SDK. */
export function createClassicBalancers(
  settings: AwsSettings,
  names: readonly string[],
  clock: Clock,
): Balancers {
  const open = async () => {
    const sdk = await loadClassicLoadBalancers()
    return { sdk, client: new sdk.ElasticLoadBalancingClient(clientOptions(settings, shortAnswers)) }
  }
  let opened: ReturnType<typeof open> | undefined
  const sdkClient = () => (opened ??= open())
  const region = async () => (await sdkClient()).client.config.region()
  const ask = <T>(asking: Asking, work: (signal: AbortSignal) => Promise<T>) => {
    const known = { LoadBalancerNotFound: noSuch, AccessPointNotFoundException: noSuch }
    const about = { name: 'load balancers', section: 'fleet.autoscaling', settings, clock, region }
    return request(about, { ...asking, known }, work)
  }

  /** Of all that are registered, or of those that are named, which may be draining. */
  async function healthOf(
    balancer: string,
    instances: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, InstanceState>> {
    const { sdk, client } = await sdkClient()
    const asking = {
      doing: `reading the instances of ${balancer}`,
      permission: `${service}:DescribeInstanceHealth`,
      signal,
    }
    const command = new sdk.DescribeInstanceHealthCommand({
      LoadBalancerName: balancer,
      ...(instances.length === 0 ? {} : { Instances: instances.map((InstanceId) => ({ InstanceId })) }),
    })
    const answer = await ask(asking, (abortSignal) =>
      client.send(command, { abortSignal }).catch((error: unknown) => {
        if (unknownInstance.has(failureOf(error).code)) return { InstanceStates: [] }
        throw error
      }),
    )
    return new Map((answer.InstanceStates ?? []).map((state) => [state.InstanceId ?? '', state]))
  }

  const inputOf = (registrations: readonly Registration[]) => ({
    LoadBalancerName: registrations[0]?.balancer,
    Instances: registrations.map(({ instance }) => ({ InstanceId: instance })),
  })
  const listed = (registrations: readonly Registration[]): string =>
    registrations.map(({ instance }) => instance).join(', ')

  return {
    kind: 'load-balancer',
    name: `the load balancer${names.length === 1 ? '' : 's'} ${names.join(', ')}`,

    async registrations(hosts, signal) {
      const found: Registration[] = []
      for (const balancer of names) {
        const registered = await healthOf(balancer, [], signal)
        for (const { instance } of hosts)
          if (instance !== undefined && registered.has(instance))
            found.push({ balancer, instance, target: instance })
      }
      return found
    },

    /** An instance that drains is still in service by this API; one that is not registered is not. */
    async states(registrations, signal) {
      const lists = new Map<string, ReadonlyMap<string, InstanceState>>()
      const standings: Standing[] = []
      for (const { balancer, instance } of registrations) {
        const registered = lists.get(balancer) ?? (await healthOf(balancer, [], signal))
        lists.set(balancer, registered)
        const health = registered.get(instance)
        if (health === undefined) {
          const drains = (await healthOf(balancer, [instance], signal)).get(instance)?.State === 'InService'
          standings.push({ state: drains ? 'between' : 'out', said: drains ? 'draining' : 'not registered' })
        } else {
          const { State, ReasonCode, Description } = health
          const state = State === 'InService' ? 'in' : 'between'
          standings.push({ state, said: standingText(State, ReasonCode, Description) })
        }
      }
      return standings
    },

    async register(registrations, signal) {
      const { sdk, client } = await sdkClient()
      const permission = `${service}:RegisterInstancesWithLoadBalancer`
      const command = new sdk.RegisterInstancesWithLoadBalancerCommand(inputOf(registrations))
      return ask({ doing: `registering ${listed(registrations)}`, permission, signal }, (abortSignal) =>
        isThere(client.send(command, { abortSignal }), gone),
      )
    },

    async deregister(registrations, signal) {
      const { sdk, client } = await sdkClient()
      const permission = `${service}:DeregisterInstancesFromLoadBalancer`
      const command = new sdk.DeregisterInstancesFromLoadBalancerCommand(inputOf(registrations))
      await ask({ doing: `deregistering ${listed(registrations)}`, permission, signal }, (abortSignal) =>
        client.send(command, { abortSignal }),
      )
    },
  }
}
