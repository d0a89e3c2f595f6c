import * as scaling from '@aws-sdk/client-auto-scaling'
import * as ec2 from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAutoscalingFleet } from '../../../src/adapters/autoscaling-fleet.js'
import { createAwsAutoscaling } from '../../../src/adapters/autoscaling/aws-autoscaling.js'
import { systemClock } from '../../../src/adapters/clock.js'
import type { AutoscalingConfig } from '../../../src/config/types.js'
import { openGroups, type Groups } from '../rig/auto-scaling.js'
import { awsFault, inState, startAwsProxy, type AwsProxy } from '../rig/aws-proxy.js'
import { startMoto, type Moto } from '../rig/moto.js'

/** The real SDK over HTTP against the emulator, through a proxy that does what only real AWS does. */
let moto: Moto
let proxy: AwsProxy
let groups: Groups
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
  proxy.calls.length = 0
  proxy.before = () => undefined
  proxy.after = (_call, body) => body
})

function fleetOf(config: Partial<AutoscalingConfig> = {}) {
  const warnings: string[] = []
  const settings: AutoscalingConfig = {
    groups: { names: ['api'] },
    region: 'eu-west-1',
    endpoint: proxy.endpoint,
    address: 'private',
    states: ['InService'],
    filters: {},
    bootTimeout: 600_000,
    ...config,
  }
  const fleet = createAutoscalingFleet({
    config: settings,
    rollout: { drain: { kind: 'none' }, drainTimeout: 10_000 },
    api: createAwsAutoscaling(settings, systemClock),
    balancers: () => {
      throw new Error('not needed')
    },
    clock: systemClock,
    warn: (text) => warnings.push(text),
  })
  return { fleet, warnings }
}

const namesOf = (hosts: readonly { readonly name: string }[]) => hosts.map(({ name }) => name).sort()

test('the hosts are the instances, with their addresses, ids and labels', async () => {
  const ids = await groups.create('api', { size: 2, tags: { role: 'web', Name: 'api', odd: 'a b; rm' } })
  const { fleet, warnings } = fleetOf()
  const hosts = await fleet.hosts()
  expect(namesOf(hosts)).toEqual([...ids].sort())
  for (const host of hosts) {
    const { PrivateIpAddress } = await groups.instance(host.name)
    expect(host).toEqual({
      name: host.name,
      instance: host.name,
      address: PrivateIpAddress,
      labels: {
        id: host.name,
        zone: 'eu-west-1a',
        group: 'api',
        type: 't3.small',
        lifecycle: 'on-demand',
        named: 'api',
        role: 'web',
      },
    })
  }
  expect(await fleet.desired?.()).toBe(2)
  expect(await fleet.pending?.()).toEqual([])
  expect(fleet.name).toBe('the group api')
  expect(warnings).toEqual([])
})

test('137 instances of 60 groups, over many pages, are 137 hosts', async () => {
  const names = Array.from({ length: 60 }, (_, at) => `api-${at}`)
  const sizes = names.map((_, at) => (at < 17 ? 3 : 2))
  const ids: string[] = []
  for (const [at, name] of names.entries()) ids.push(...(await groups.create(name, { size: sizes[at] ?? 0 })))
  expect(ids).toHaveLength(137)
  proxy.before = ({ parameters }) => {
    // Smaller pages than anybody asks for, as AWS may send them.
    if (parameters.has('MaxRecords')) parameters.set('MaxRecords', '7')
    if (parameters.has('MaxResults')) parameters.set('MaxResults', '50')
    return undefined
  }
  const { fleet } = fleetOf({ groups: { names: [...names, 'api-0'] } })
  expect(namesOf(await fleet.hosts())).toEqual([...ids].sort())
  const tokens = proxy.calls.filter(({ parameters }) => parameters.has('NextToken'))
  expect(tokens.length).toBeGreaterThanOrEqual(8)
  const named = proxy.calls.map(({ parameters }) =>
    [...parameters.keys()].filter((key) => key.startsWith('AutoScalingGroupNames.member.')),
  )
  expect(Math.max(...named.map((keys) => keys.length))).toBe(50)
})

test('a page token that comes again is an error, and no shorter fleet', async () => {
  await groups.create('api', { size: 1 })
  proxy.after = ({ action }, body) =>
    action === 'DescribeAutoScalingGroups'
      ? body.replace('</DescribeAutoScalingGroupsResult>', '<NextToken>api</NextToken>$&')
      : body
  proxy.before = ({ parameters }) => {
    parameters.delete('NextToken')
    return undefined
  }
  await expect(fleetOf().fleet.hosts()).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('the same page twice') as string,
  })
})

describe('lifecycle states', () => {
  const all = [
    ...['Pending', 'Pending:Wait', 'Pending:Proceed', 'Quarantined', 'InService', 'Terminating'],
    ...['Terminating:Wait', 'Terminating:Proceed', 'Terminated', 'Detaching', 'Detached', 'EnteringStandby'],
    ...['Standby', 'Warmed:Pending', 'Warmed:Pending:Wait', 'Warmed:Stopped', 'Warmed:Running', 'Invented'],
  ]

  /** Gives each instance of the group a state of its own. */
  async function withStates(states: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const ids = await groups.create('api', { size: states.length })
    const byId: ReadonlyMap<string, string> = new Map(ids.map((id, at) => [id, states[at] ?? '']))
    proxy.after = ({ action }, body) =>
      action === 'DescribeAutoScalingGroups' ? inState(body, (id) => byId.get(id) ?? 'InService') : body
    return byId
  }
  const idsIn = (byId: ReadonlyMap<string, string>, ...wanted: readonly string[]) =>
    [...byId].flatMap(([id, state]) => (wanted.includes(state) ? [id] : [])).sort()

  test('only those in service are hosts; pending ones are pending; what is unusual is told once', async () => {
    const byId = await withStates(all)
    const { fleet, warnings } = fleetOf()
    expect(namesOf(await fleet.hosts())).toEqual(idsIn(byId, 'InService'))
    await fleet.hosts()
    const pending = (await fleet.pending?.()) ?? []
    expect(namesOf(pending)).toEqual(idsIn(byId, 'Pending', 'Pending:Wait', 'Pending:Proceed'))
    for (const { launchedAt = 0 } of pending) expect(Math.abs(Date.now() - launchedAt)).toBeLessThan(60_000)
    const told = idsIn(byId, 'Quarantined', 'Invented', 'Standby', 'EnteringStandby')
    expect(warnings.map((text) => text.split(' ')[0] ?? '').sort()).toEqual(told)
    expect(warnings.find((text) => text.includes('Invented'))).toMatch(/not deployed to: its lifecycle state/)
  })

  test('other states may be asked for', async () => {
    const byId = await withStates(all)
    const { fleet } = fleetOf({ states: ['InService', 'Standby', 'Pending:Wait'] })
    expect(namesOf(await fleet.hosts())).toEqual(idsIn(byId, 'InService', 'Standby', 'Pending:Wait'))
    expect(namesOf((await fleet.pending?.()) ?? [])).toEqual(idsIn(byId, 'Pending', 'Pending:Proceed'))
  })
})

test('an unhealthy instance is left out, unless it was a host of this run already', async () => {
  const ids = await groups.create('api', { size: 2 })
  const [sick = ''] = ids
  const early = fleetOf()
  await early.fleet.hosts()
  await groups.scaling.send(
    new scaling.SetInstanceHealthCommand({ InstanceId: sick, HealthStatus: 'Unhealthy' }),
  )
  expect(namesOf(await early.fleet.hosts())).toEqual([...ids].sort())
  const late = fleetOf()
  expect(namesOf(await late.fleet.hosts())).toEqual(ids.slice(1))
  expect(late.warnings).toEqual([`${sick} is not deployed to: it is unhealthy, and about to be replaced`])
})

test('an instance that was terminated, or that EC2 is ending while its group lists it, is no host', async () => {
  const [first = '', second = '', third = ''] = await groups.create('api', { size: 3, min: 0 })
  const { fleet, warnings } = fleetOf()
  expect(await fleet.hosts()).toHaveLength(3)
  await groups.terminate(first)
  expect(namesOf(await fleet.hosts())).toEqual([second, third].sort())
  // A spot instance that is interrupted: EC2 knows before the group does.
  await groups.ec2.send(new ec2.StopInstancesCommand({ InstanceIds: [second] }))
  expect(namesOf(await fleet.hosts())).toEqual([third])
  expect(warnings.join()).toContain(`${second} is not deployed to: EC2 says that it is stopp`)
})

describe('addresses', () => {
  test('public, and by a function', async () => {
    const [id = ''] = await groups.create('api', { size: 1 })
    const { AllocationId } = await groups.ec2.send(new ec2.AllocateAddressCommand({ Domain: 'vpc' }))
    await groups.ec2.send(new ec2.AssociateAddressCommand({ AllocationId, InstanceId: id }))
    const { PublicIpAddress, PrivateDnsName } = await groups.instance(id)
    expect((await fleetOf({ address: 'public' }).fleet.hosts())[0]?.address).toBe(PublicIpAddress)
    expect(PublicIpAddress).toMatch(/^\d/)
    const address = ({ privateName = '' }) => privateName
    expect((await fleetOf({ address }).fleet.hosts())[0]?.address).toBe(PrivateDnsName)
  })

  test('an instance without the wanted address is an error that names it and what it has', async () => {
    const [id = ''] = await groups.create('api', { size: 1 })
    const { PrivateIpAddress } = await groups.instance(id)
    await expect(fleetOf({ address: 'ipv6' }).fleet.hosts()).rejects.toMatchObject({
      kind: 'precondition',
      message: `fleet.autoscaling.address: ${id} of api has no IPv6 address`,
      fix: expect.stringContaining(`private ${PrivateIpAddress}`) as string,
    })
  })

  test('an IPv6 address of a network interface', async () => {
    await groups.create('api', { size: 1 })
    proxy.after = ({ action }, body) =>
      action === 'DescribeInstances'
        ? body
            .replace(/<ipv6AddressesSet\s*\/>|<ipv6AddressesSet>.*?<\/ipv6AddressesSet>/s, '')
            .replace(
              /<networkInterfaceId>/,
              '<ipv6AddressesSet><item><ipv6Address>2001:db8::7</ipv6Address></item></ipv6AddressesSet>$&',
            )
        : body
    expect((await fleetOf({ address: 'ipv6' }).fleet.hosts())[0]?.address).toBe('2001:db8::7')
  })
})

describe('which groups', () => {
  test('groups by tags, all of which they must carry', async () => {
    const wanted = await groups.create('a', { size: 1, tags: { app: 'api', stage: 'prod' } })
    await groups.create('b', { size: 1, tags: { app: 'api', stage: 'test' } })
    const { fleet } = fleetOf({ groups: { tags: { app: 'api', stage: 'prod' } } })
    expect(namesOf(await fleet.hosts())).toEqual(wanted)
    expect(fleet.name).toBe('the groups with app=api stage=prod')
  })

  test('one of several may be empty', async () => {
    const ids = await groups.create('a', { size: 1 })
    await groups.create('b', { size: 0 })
    expect(namesOf(await fleetOf({ groups: { names: ['a', 'b'] } }).fleet.hosts())).toEqual(ids)
    expect(await fleetOf({ groups: { names: ['b'] } }).fleet.hosts()).toEqual([])
  })

  test.each([
    [{ names: ['api', 'gone'] }, 'no group "gone" in eu-west-1'],
    [{ tags: { app: 'other' } }, 'no group carries all of app=other in eu-west-1'],
  ])('%j, where one is missing', async (wanted, message) => {
    await groups.create('api', { size: 1 })
    await expect(fleetOf({ groups: wanted }).fleet.hosts()).rejects.toMatchObject({
      kind: 'noHosts',
      message: expect.stringContaining(message) as string,
    })
  })

  test('filters choose instances; nobody knows how many there ought to be', async () => {
    const [first = ''] = await groups.create('api', { size: 2 })
    await groups.ec2.send(
      new ec2.CreateTagsCommand({ Resources: [first], Tags: [{ Key: 'role', Value: 'web' }] }),
    )
    const { fleet, warnings } = fleetOf({ filters: { 'tag:role': ['web', 'api'] } })
    expect(namesOf(await fleet.hosts())).toEqual([first])
    expect('desired' in fleet).toBe(false)
    expect(warnings).toEqual([])
  })
})

describe('when AWS fails', () => {
  test.each([
    ['DescribeAutoScalingGroups', 'AccessDenied', 'autoscaling:DescribeAutoScalingGroups'],
    ['DescribeInstances', 'UnauthorizedOperation', 'ec2:DescribeInstances'],
  ])('%s that is not allowed names the permission', async (action, code, permission) => {
    await groups.create('api', { size: 1 })
    proxy.before = (call) => (call.action === action ? awsFault(403, code) : undefined)
    await expect(fleetOf().fleet.hosts()).rejects.toMatchObject({
      kind: 'precondition',
      fix: expect.stringContaining(permission) as string,
    })
    expect(proxy.calls.filter((call) => call.action === action)).toHaveLength(1)
  })

  test.each([
    ['ExpiredToken', /the credentials have expired/, /Log in/],
    ['InvalidClientTokenId', /AWS doesn't know the access key or token/, /AWS_ACCESS_KEY_ID/],
    ['SignatureDoesNotMatch', /the signature is refused/, /secret access key/],
    ['OptInRequired', /the region is not enabled/, /fleet\.autoscaling\.region/],
  ])('%s is told at once, with what to do', async (code, message, fix) => {
    await groups.create('api', { size: 1 })
    proxy.before = () => awsFault(code === 'OptInRequired' ? 400 : 403, code)
    await expect(fleetOf().fleet.hosts()).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(message) as string,
      fix: expect.stringMatching(fix) as string,
    })
    expect(proxy.calls).toHaveLength(1)
  })

  test('an error page of a gateway is waited out', async () => {
    const ids = await groups.create('api', { size: 1 })
    let refused = 0
    proxy.before = () => (++refused <= 2 ? { status: 502, body: '<html><title>Bad<br></html>' } : undefined)
    expect(namesOf(await fleetOf().fleet.hosts())).toEqual(ids)
  })

  test('throttling is waited out', async () => {
    const ids = await groups.create('api', { size: 1 })
    let refused = 0
    proxy.before = ({ action }) =>
      action === 'DescribeAutoScalingGroups' && ++refused <= 2
        ? awsFault(400, 'Throttling', 'Rate exceeded')
        : undefined
    expect(namesOf(await fleetOf().fleet.hosts())).toEqual(ids)
    expect(refused).toBe(3)
  })
})
