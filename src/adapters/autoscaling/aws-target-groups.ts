import type { TargetDescription, TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2'
import { DeliverError } from '../../errors.js'
import type { Clock } from '../../ports.js'
import { clientOptions, shortAnswers, type AwsSettings } from '../aws/clients.js'
import { allPages } from '../aws/pages.js'
import { request, type Asking } from '../aws/requests.js'
import { loadTargetGroups } from '../aws/sdk.js'
import { isThere, type Balancers, type RegistrationState, type Standing } from './balancers.js'
import type { Registration } from './entries.js'
import { standingText } from './standing-text.js'

const service = 'elasticloadbalancing'

/** Target groups of application and network load balancers, by name or ARN, through the SDK. */
export function createTargetGroups(settings: AwsSettings, names: readonly string[], clock: Clock): Balancers {
  let opened: ReturnType<typeof open> | undefined
  const open = async () => {
    const sdk = await loadTargetGroups()
    return { sdk, client: new sdk.ElasticLoadBalancingV2Client(clientOptions(settings, shortAnswers)) }
  }
  const sdkClient = () => (opened ??= open())
  const region = async () => (await sdkClient()).client.config.region()
  const ask = <T>(asking: Asking, work: (signal: AbortSignal) => Promise<T>) =>
    request({ name: 'load balancers', section: 'fleet.autoscaling', settings, clock, region }, asking, work)

  let arns: Promise<readonly string[]> | undefined
  async function resolve(signal?: AbortSignal): Promise<readonly string[]> {
    const { sdk, client } = await sdkClient()
    const asking = {
      doing: `looking up ${names.join(', ')}`,
      permission: `${service}:DescribeTargetGroups`,
      known: { TargetGroupNotFound: noSuch, TargetGroupNotFoundException: noSuch },
      signal,
    }
    const byName = names.filter((name) => !name.startsWith('arn:'))
    const found = await allPages('target groups', (token) =>
      byName.length === 0
        ? Promise.resolve({ items: [], next: undefined })
        : ask(asking, async (abortSignal) => {
            const query = { Names: [...byName], ...(token === undefined ? {} : { Marker: token }) }
            const answer = await client.send(new sdk.DescribeTargetGroupsCommand(query), { abortSignal })
            return { items: answer.TargetGroups ?? [], next: answer.NextMarker }
          }),
    )
    return names.map((name) => {
      const arn = name.startsWith('arn:')
        ? name
        : found.find(({ TargetGroupName }) => TargetGroupName === name)?.TargetGroupArn
      if (arn !== undefined) return arn
      throw new DeliverError('usage', `rollout.drain.targetGroups: ${name}: ${noSuch.problem}`, noSuch)
    })
  }

  /** All targets of a group, those that drain included. */
  async function targetsOf(arn: string, signal?: AbortSignal): Promise<readonly TargetHealthDescription[]> {
    const { sdk, client } = await sdkClient()
    const asking = {
      doing: `reading the targets of ${arn}`,
      permission: `${service}:DescribeTargetHealth`,
      known: { TargetGroupNotFound: noSuch, TargetGroupNotFoundException: noSuch },
      signal,
    }
    return ask(asking, async (abortSignal) => {
      const command = new sdk.DescribeTargetHealthCommand({ TargetGroupArn: arn })
      return (await client.send(command, { abortSignal })).TargetHealthDescriptions ?? []
    })
  }

  return {
    kind: 'target',
    name: `the target group${names.length === 1 ? '' : 's'} ${names.join(', ')}`,

    async registrations(hosts, signal) {
      // A failure now must not be the answer for ever.
      arns ??= resolve(signal).catch((error: unknown) => {
        arns = undefined
        throw error
      })
      const found: Registration[] = []
      for (const arn of await arns) {
        for (const health of await targetsOf(arn, signal)) {
          const { Id: id, Port: port, AvailabilityZone: zone } = health.Target ?? {}
          const host = hosts.find(
            ({ instance, address }) => id !== undefined && (id === instance || id === address),
          )
          if (id === undefined || host?.instance === undefined || stateOf(health) === 'out') continue
          if (health.TargetHealth?.State === 'draining') continue
          found.push({
            balancer: arn,
            instance: host.instance,
            target: id,
            ...(port === undefined ? {} : { port }),
            ...(zone === undefined ? {} : { zone }),
          })
        }
      }
      return found
    },

    async states(registrations, signal) {
      const lists = new Map<string, readonly TargetHealthDescription[]>()
      for (const { balancer } of registrations)
        if (!lists.has(balancer)) lists.set(balancer, await targetsOf(balancer, signal))
      return registrations.map(({ balancer, target, port }): Standing => {
        const health = lists
          .get(balancer)
          ?.find(({ Target }) => Target?.Id === target && (port === undefined || Target.Port === port))
        if (health === undefined) return { state: 'out', said: 'not registered' }
        const { State, Reason, Description } = health.TargetHealth ?? {}
        return { state: stateOf(health), said: standingText(State, Reason, Description) }
      })
    },

    async register(registrations, signal) {
      const { sdk, client } = await sdkClient()
      const asking = {
        doing: `registering ${listed(registrations)}`,
        permission: `${service}:RegisterTargets`,
        signal,
      }
      const command = new sdk.RegisterTargetsCommand({
        TargetGroupArn: registrations[0]?.balancer,
        Targets: registrations.map(targetOf),
      })
      return ask(asking, (abortSignal) => isThere(client.send(command, { abortSignal }), gone))
    },

    async deregister(registrations, signal) {
      const { sdk, client } = await sdkClient()
      const asking = {
        doing: `deregistering ${listed(registrations)}`,
        permission: `${service}:DeregisterTargets`,
        signal,
      }
      const command = new sdk.DeregisterTargetsCommand({
        TargetGroupArn: registrations[0]?.balancer,
        Targets: registrations.map(targetOf),
      })
      await ask(asking, (abortSignal) => client.send(command, { abortSignal }))
    },
  }
}

const gone = new Set(['TargetGroupNotFound', 'TargetGroupNotFoundException'])

const noSuch = {
  kind: 'usage',
  problem: 'no such target group',
  fix: 'Check rollout.drain.targetGroups and the region.',
} as const

/** A target that no listener leads to, or that is not checked, is as good as it gets. */
function stateOf({ TargetHealth }: TargetHealthDescription): RegistrationState {
  const { State, Reason } = TargetHealth ?? {}
  if (State === 'unused') return Reason === 'Target.NotInUse' ? 'in' : 'out'
  return State === 'healthy' || State === 'unavailable' ? 'in' : 'between'
}

function targetOf({ target, port, zone }: Registration): TargetDescription {
  return {
    Id: target,
    ...(port === undefined ? {} : { Port: port }),
    ...(zone === undefined ? {} : { AvailabilityZone: zone }),
  }
}

function listed(registrations: readonly Registration[]): string {
  return registrations
    .map(({ target, port }) => (port === undefined ? target : `${target}:${port}`))
    .join(', ')
}
