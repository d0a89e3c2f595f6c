import * as scaling from '@aws-sdk/client-auto-scaling'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { inState } from '../rig/aws-proxy.js'
import { startFleetWorld, type FleetWorld } from './world.js'

/** Whole deploys to a group that changes meanwhile: the real program, OpenSSH, and the emulator of AWS. */
let world: FleetWorld

beforeAll(async () => {
  world = await startFleetWorld(4)
  await world.publish('v1')
  await world.publish('v2')
  await world.publish('v3')
  await world.publish('bad', 500)
})
afterAll(() => world.stop())
beforeEach(() => world.clear())

const deploy = (release: string, ...flags: readonly string[]) =>
  world.run('deploy', release, '--yes', ...flags)

/** Servers 1 to 3 in service, all on v1. */
async function threeOnV1(): Promise<void> {
  for (const number of [1, 2, 3]) await world.launch(number)
  const { code, output } = await deploy('v1', '--strategy', 'parallel')
  expect(code, output).toBe(0)
}

/** Once, at the first of such places. */
function once(where: RegExp, what: (where: string) => Promise<unknown>): () => number {
  let seen = 0
  world.at = async (place) => {
    if (!where.test(place)) return
    seen += 1
    if (seen === 1) await what(place)
  }
  return () => seen
}

test('a deploy lands on exactly the instances in service', async () => {
  await threeOnV1()
  await world.launch(4)
  await world.groups.scaling.send(
    new scaling.EnterStandbyCommand({
      AutoScalingGroupName: 'api-prod',
      InstanceIds: [world.id(4)],
      ShouldDecrementDesiredCapacity: true,
    }),
  )
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(0)
  expect(output).toContain(`${world.id(4)} is not deployed to: it is in standby`)
  expect(await world.running(1, 2, 3)).toEqual(['1 v2', '2 v2', '3 v2'])
  expect(await world.inspect([1, 2, 3], { current: 'v2', pointer: 'v2' })).toEqual([])
  expect(existsSync(join(world.server(4).home, 'app'))).toBe(false)
})

test.each([
  ['while it is staged', /^beforeStage/, 2],
  ['between batches', /^beforeActivate/, 3],
  ['during its restart', /^restart 2/, 2],
])('an instance that is terminated %s is gone, and the deploy a success', async (_, where, number) => {
  await threeOnV1()
  const id = world.id(number)
  const seen = once(where, () => world.terminate(number))
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(0)
  expect(seen()).toBeGreaterThan(0)
  expect(output).toMatch(new RegExp(`${id}.*gone`))
  const stayed = [1, 2, 3].filter((each) => each !== number)
  expect(await world.running(...stayed)).toEqual(stayed.map((each) => `${each} v2`))
  expect(await world.inspect(stayed, { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('an instance that is launched before the pointer moves joins', async () => {
  await threeOnV1()
  once(/^beforeActivate/, () => world.launch(4))
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(0)
  expect(await world.inspect([1, 2, 3, 4], { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('an address that another server got is not the same host: it is not touched, and no success', async () => {
  await threeOnV1()
  let home = ''
  let other = ''
  once(/^beforeActivate/, async () => {
    const { PrivateIpAddress: before = '' } = await world.groups.instance(world.id(3))
    await world.terminate(3)
    home = await world.replace(3)
    other = await world.launch(3)
    const { PrivateIpAddress: now = '' } = await world.groups.instance(other)
    world.proxy.after = ({ action }, body) =>
      action === 'DescribeInstances' ? body.replaceAll(`>${now}<`, `>${before}<`) : body
  })
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(4)
  expect(output).toMatch(new RegExp(`${other}.*failed.*key`))
  expect(await readdir(home)).toEqual([])
  expect(await world.inspect([1, 2], { current: 'v2', pointer: 'v1' })).toEqual([])
})

test('a bad release takes no instance with it: those that fail are in service still, and go back', async () => {
  await threeOnV1()
  const { code, output } = await deploy('bad')
  expect(code, output).toBe(5)
  expect(await world.running(1, 2, 3)).toEqual(['1 v1', '2 v1', '3 v1'])
  expect(await world.inspect([1, 2, 3], { current: 'v1', pointer: 'v1' })).toEqual([])
})

test('an empty group is no success', async () => {
  const { code, output } = await deploy('v1', '--strategy', 'parallel')
  expect(code, output).toBe(7)
  expect(output).toContain('the group api-prod')
})

test('the first deploy of a group without servers moves the pointer with --allow-empty, and says that nothing was checked', async () => {
  const { code, output } = await deploy('v1', '--allow-empty')
  expect(code, output).toBe(0)
  expect(output).toContain('is empty: nothing was sent and no health checked')
  expect(await world.pointer()).toBe('v1')
  await world.launch(1)
  const next = await deploy('v1')
  expect(next.code, next.output).toBe(0)
  expect(await world.inspect([1], { current: 'v1', pointer: 'v1' })).toEqual([])
})

test('a deploy that was suspended while another took its lock over touches no host and no pointer', async () => {
  await threeOnV1()
  const first = world.start('deploy', 'v2', '--yes')
  const suspended = new Promise<void>((resolve) => {
    once(/^beforeActivate/, () => {
      first.process.kill('SIGSTOP')
      resolve()
      return Promise.resolve()
    })
  })
  await suspended
  const early = await deploy('v3')
  expect(early.code, early.output).toBe(3)
  await world.ageLock(11 * 60_000)
  const second = await deploy('v3')
  expect(second.code, second.output).toBe(0)
  expect(second.output).toMatch(/never ended; this one takes its lock over/)
  const restarts = once(/^restart/, () => Promise.resolve())
  first.process.kill('SIGCONT')
  const { code, output } = await first.finished
  expect(code, output).not.toBe(0)
  expect(restarts()).toBe(0)
  expect(await world.running(1, 2, 3)).toEqual(['1 v3', '2 v3', '3 v3'])
  expect(await world.inspect([1, 2, 3], { current: 'v3', pointer: 'v3' })).toEqual([])
})

test('without the permission to list groups nothing is touched, and the error names it', async () => {
  await threeOnV1()
  world.proxy.before = ({ action }) =>
    action === 'DescribeAutoScalingGroups'
      ? {
          status: 403,
          body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>',
        }
      : undefined
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(8)
  expect(output).toContain('autoscaling:DescribeAutoScalingGroups')
  expect(await world.inspect([1, 2, 3], { current: 'v1', pointer: 'v1' })).toEqual([])
})

test('check says so when a deploy would take what is left of the fleet for an outage', async () => {
  await threeOnV1()
  const left = world.id(1)
  expect((await world.run('check')).output).not.toContain('in service, while')
  world.proxy.after = ({ action }, body) =>
    action === 'DescribeAutoScalingGroups'
      ? inState(body, (id) => (id === left ? 'InService' : 'Terminating'))
      : body
  const checked = await world.run('check')
  expect(checked.code, checked.output).toBe(8)
  expect(checked.output).toMatch(/only 1 host\(s\) in service, while .*--expect 1/s)
  const refused = await deploy('v2')
  expect(refused.code, refused.output).toBe(8)
  expect((await world.run('check', '--hosts', left)).output).not.toContain('in service, while')
})
