import * as classic from '@aws-sdk/client-elastic-load-balancing'
import * as elb from '@aws-sdk/client-elastic-load-balancing-v2'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAutoscalingFleet } from '../../../src/adapters/autoscaling-fleet.js'
import { createAwsAutoscaling } from '../../../src/adapters/autoscaling/aws-autoscaling.js'
import { createClassicBalancers } from '../../../src/adapters/autoscaling/aws-classic.js'
import { createTargetGroups } from '../../../src/adapters/autoscaling/aws-target-groups.js'
import { systemClock } from '../../../src/adapters/clock.js'
import type { DrainConfig } from '../../../src/config/types.js'
import type { Drain, Host } from '../../../src/ports.js'
import { createMemoryChangeLog, type MemoryChangeLog } from '../../fakes/memory-change-log.js'
import { openGroups, type Groups } from '../rig/auto-scaling.js'
import { awsFault, startAwsProxy, type AwsProxy } from '../rig/aws-proxy.js'
import { startMoto, type Moto } from '../rig/moto.js'

/** The three ways to take a host out of traffic, by the real SDK against the emulator. */
let moto: Moto
let proxy: AwsProxy
let groups: Groups
let log: MemoryChangeLog
let ids: readonly string[]
const before = { ...process.env }

beforeAll(async () => {
  moto = await startMoto()
  proxy = await startAwsProxy(moto.endpoint)
  Object.assign(process.env, moto.env)
})
afterAll(async () => {
  process.env = before
  await proxy.stop()
  await moto.stop()
})
beforeEach(async () => {
  await moto.reset()
  groups = await openGroups(moto)
  ids = await groups.create('api', { size: 3, min: 3, max: 4 })
  log = createMemoryChangeLog()
  proxy.calls.length = 0
  proxy.before = () => undefined
  proxy.after = (_call, body) => body
})

async function open(drain: DrainConfig): Promise<{ drain: Drain; hosts: readonly Host[] }> {
  const settings = { region: 'eu-west-1', endpoint: proxy.endpoint }
  const fleet = createAutoscalingFleet({
    config: {
      ...settings,
      groups: { names: ['api'] },
      address: 'private',
      states: ['InService'],
      filters: {},
      bootTimeout: 1,
    },
    rollout: { drain, drainTimeout: 20_000 },
    api: createAwsAutoscaling(settings, systemClock),
    balancers: (kind, names) =>
      (kind === 'target' ? createTargetGroups : createClassicBalancers)(settings, names, systemClock),
    clock: systemClock,
    warn: () => undefined,
  })
  if (fleet.drain === undefined) throw new Error('no drain')
  return { drain: fleet.drain, hosts: (await fleet.hosts()).slice(0, 2) }
}

const withCode = (code: string, permission: string) =>
  expect.objectContaining({
    kind: 'precondition',
    message: expect.stringContaining(code) as string,
    fix: expect.stringContaining(permission) as string,
  }) as Error

describe('standby', () => {
  const standby = { kind: 'standby' } as const

  test('a batch is in standby, the minimum is lowered, and all is as before when it is back', async () => {
    const { drain, hosts } = await open(standby)
    const [first = '', second = ''] = hosts.map(({ name }) => name)
    await drain.takeOut(hosts, log)
    expect(await groups.states('api')).toMatchObject({ [first]: 'Standby', [second]: 'Standby' })
    expect(await groups.describe('api')).toMatchObject({ MinSize: 1, DesiredCapacity: 1 })
    expect(log.entries).toEqual(['min-size api 3 1', `standby api ${first}`, `standby api ${second}`])
    await drain.bringBack(hosts, log)
    expect(new Set(Object.values(await groups.states('api')))).toEqual(new Set(['InService']))
    expect(await groups.describe('api')).toMatchObject({ MinSize: 3, DesiredCapacity: 3 })
    expect(log.entries).toEqual([])
    expect(Object.keys(await groups.states('api')).sort()).toEqual([...ids].sort())
  })

  test('another run undoes what a dead one left', async () => {
    const { drain, hosts } = await open(standby)
    await drain.takeOut(hosts, log)
    const later = await open(standby)
    expect(later.hosts).toHaveLength(1)
    expect(await later.drain.restore(log.entries)).toEqual([])
    expect(await groups.describe('api')).toMatchObject({ MinSize: 3, DesiredCapacity: 3 })
    expect(new Set(Object.values(await groups.states('api')))).toEqual(new Set(['InService']))
  })

  test.each([
    ['UpdateAutoScalingGroup', 'autoscaling:UpdateAutoScalingGroup'],
    ['EnterStandby', 'autoscaling:EnterStandby'],
  ])('%s that is not allowed names the permission', async (action, permission) => {
    const { drain, hosts } = await open(standby)
    proxy.before = (call) => (call.action === action ? awsFault(403, 'AccessDenied') : undefined)
    await expect(drain.takeOut(hosts, log)).rejects.toEqual(withCode('AccessDenied', permission))
  })

  test('ExitStandby that is not allowed names the permission, and the log still knows', async () => {
    const { drain, hosts } = await open(standby)
    await drain.takeOut(hosts, log)
    proxy.before = ({ action }) => (action === 'ExitStandby' ? awsFault(403, 'AccessDenied') : undefined)
    await expect(drain.bringBack(hosts, log)).rejects.toEqual(
      withCode('AccessDenied', 'autoscaling:ExitStandby'),
    )
    expect(log.entries).toHaveLength(3)
  })

  test('a request whose answer was lost is not done twice', async () => {
    const { drain, hosts } = await open(standby)
    let lost = 0
    proxy.after = ({ action }, body) => {
      // The emulator has done it; the caller hears of a failure.
      if (action === 'EnterStandby' && lost++ === 0) throw new Error('broken pipe')
      return body
    }
    proxy.before = ({ action }) =>
      action === 'EnterStandby' && lost > 0 ? awsFault(400, 'ValidationError', 'not InService') : undefined
    await drain.takeOut(hosts, log)
    expect(await groups.describe('api')).toMatchObject({ DesiredCapacity: 1 })
  })
})

describe('target groups', () => {
  let client: elb.ElasticLoadBalancingV2Client
  let arn: string
  const targetGroups = (...names: readonly string[]): DrainConfig => ({ kind: 'targetGroups', groups: names })

  beforeEach(async () => {
    client = new elb.ElasticLoadBalancingV2Client({ endpoint: moto.endpoint, region: 'eu-west-1' })
    const { VpcId } = await groups.instance(ids[0] ?? '')
    const made = await client.send(
      new elb.CreateTargetGroupCommand({
        Name: 'api',
        Protocol: 'HTTP',
        Port: 80,
        VpcId,
        TargetType: 'instance',
      }),
    )
    arn = made.TargetGroups?.[0]?.TargetGroupArn ?? ''
    const Targets = ids.map((Id) => ({ Id, Port: 8080 }))
    await client.send(new elb.RegisterTargetsCommand({ TargetGroupArn: arn, Targets }))
  })

  async function registered(): Promise<readonly string[]> {
    const answer = await client.send(new elb.DescribeTargetHealthCommand({ TargetGroupArn: arn }))
    return (answer.TargetHealthDescriptions ?? []).map(({ Target }) => `${Target?.Id}:${Target?.Port}`).sort()
  }
  const all = () => ids.map((id) => `${id}:8080`).sort()

  test.each(['name', 'ARN'])('by %s: out, and back with the same port', async (by) => {
    const { drain, hosts } = await open(targetGroups(by === 'ARN' ? arn : 'api'))
    await drain.takeOut(hosts, log)
    expect(await registered()).toEqual(
      all().filter((each) => !hosts.some(({ name }) => each.startsWith(name))),
    )
    expect(log.entries).toHaveLength(2)
    await drain.bringBack(hosts, log)
    expect(await registered()).toEqual(all())
    expect(log.entries).toEqual([])
  })

  test('draining and becoming healthy are waited for', async () => {
    const { drain, hosts } = await open(targetGroups('api'))
    const [name = ''] = hosts.map((host) => host.name)
    let looks = 0
    proxy.after = ({ action }, body) => {
      if (action !== 'DescribeTargetHealth' || ++looks > 3) return body
      // The first answer is before, the next two are while it drains.
      return looks === 1 || body.includes(name)
        ? body
        : body.replace(
            '<TargetHealthDescriptions>',
            `$&<member><Target><Id>${name}</Id><Port>8080</Port></Target><TargetHealth><State>draining</State></TargetHealth></member>`,
          )
    }
    await drain.takeOut(hosts, log)
    expect(looks).toBe(4)
    looks = 0
    proxy.after = ({ action }, body) =>
      action === 'DescribeTargetHealth' && ++looks < 2 ? body.replaceAll('>healthy<', '>initial<') : body
    await drain.bringBack(hosts, log)
    expect(looks).toBe(2)
  })

  test('another run registers what a dead one left; who was terminated stays out', async () => {
    const { drain, hosts } = await open(targetGroups('api'))
    await drain.takeOut(hosts, log)
    await groups.terminate(hosts[0]?.name ?? '')
    const later = await open({ kind: 'standby' })
    expect(await later.drain.restore(log.entries)).toEqual([])
    expect(await registered()).toEqual(all().filter((each) => !each.startsWith(hosts[0]?.name ?? '')))
  })

  test('one that is not there is an error that names it', async () => {
    const { drain, hosts } = await open(targetGroups('other'))
    await expect(drain.takeOut(hosts, log)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('no such target group') as string,
    })
  })

  test.each([
    ['DescribeTargetHealth', 'elasticloadbalancing:DescribeTargetHealth'],
    ['DeregisterTargets', 'elasticloadbalancing:DeregisterTargets'],
  ])('%s that is not allowed names the permission', async (action, permission) => {
    const { drain, hosts } = await open(targetGroups('api'))
    proxy.before = (call) => (call.action === action ? awsFault(403, 'AccessDenied') : undefined)
    await expect(drain.takeOut(hosts, log)).rejects.toEqual(withCode('AccessDenied', permission))
  })
})

describe('classic load balancers', () => {
  let client: classic.ElasticLoadBalancingClient
  const loadBalancers = { kind: 'loadBalancers', names: ['api'] } as const

  beforeEach(async () => {
    client = new classic.ElasticLoadBalancingClient({ endpoint: moto.endpoint, region: 'eu-west-1' })
    await client.send(
      new classic.CreateLoadBalancerCommand({
        LoadBalancerName: 'api',
        Listeners: [{ Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 8080 }],
        AvailabilityZones: ['eu-west-1a'],
      }),
    )
    const Instances = ids.map((InstanceId) => ({ InstanceId }))
    await client.send(
      new classic.RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName: 'api', Instances }),
    )
  })

  async function registered(): Promise<readonly string[]> {
    const answer = await client.send(new classic.DescribeInstanceHealthCommand({ LoadBalancerName: 'api' }))
    return (answer.InstanceStates ?? []).map(({ InstanceId = '' }) => InstanceId).sort()
  }

  test('out and back', async () => {
    const { drain, hosts } = await open(loadBalancers)
    await drain.takeOut(hosts, log)
    expect(await registered()).toEqual(ids.filter((id) => !hosts.some(({ name }) => name === id)))
    expect(log.entries).toEqual(hosts.map(({ name }) => `load-balancer api ${name}`))
    await drain.bringBack(hosts, log)
    expect(await registered()).toEqual([...ids].sort())
    expect(log.entries).toEqual([])
  })

  test('another run registers what a dead one left', async () => {
    const { drain, hosts } = await open(loadBalancers)
    await drain.takeOut(hosts, log)
    const later = await open({ kind: 'standby' })
    expect(await later.drain.restore(log.entries)).toEqual([])
    expect(await registered()).toEqual([...ids].sort())
  })

  test('one that is not there is an error that names it', async () => {
    const { drain, hosts } = await open({ kind: 'loadBalancers', names: ['other'] })
    await expect(drain.takeOut(hosts, log)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('no such classic load balancer') as string,
    })
  })
})
