import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { actionsOf, readPolicy } from '../rig/policy.js'
import { startFleetWorld, type FleetWorld } from './world.js'

/** Whole deploys that take every batch out of traffic with standby. */
let world: FleetWorld

beforeAll(async () => {
  world = await startFleetWorld(3, { rollout: { batch: 1, drain: 'standby', drainTimeout: '20s' } })
  await world.publish('v1')
  await world.publish('v2')
  await world.publish('bad', 500)
})
afterAll(() => world.stop())
beforeEach(() => world.clear())

async function threeOnV1(): Promise<void> {
  for (const number of [1, 2, 3]) await world.launch(number)
  await world.groups.scaling.send(await minimum(3))
  const { code, output } = await world.run('deploy', 'v1', '--yes', '--strategy', 'parallel')
  expect(code, output).toBe(0)
}

async function minimum(size: number) {
  const { UpdateAutoScalingGroupCommand } = await import('@aws-sdk/client-auto-scaling')
  return new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: 'api-prod', MinSize: size })
}

const inStandby = async () =>
  Object.entries(await world.groups.states('api-prod')).flatMap(([id, state]) =>
    state === 'Standby' ? [id] : [],
  )

const asBefore = async () => {
  expect(await inStandby()).toEqual([])
  expect(await world.groups.describe('api-prod')).toMatchObject({ MinSize: 3, DesiredCapacity: 3 })
}

test('each host is in standby while it restarts, and nobody else is', async () => {
  await threeOnV1()
  const seen: [string, readonly string[]][] = []
  world.at = async (where) => {
    if (where.startsWith('restart')) seen.push([where, await inStandby()])
  }
  world.proxy.calls.length = 0
  const { code, output } = await world.run('deploy', 'v2', '--yes')
  expect(code, output).toBe(0)
  expect(actionsOf(world.proxy.calls)).toEqual([...readPolicy(await world.run('iam')).actions].sort())
  expect(seen.map(([where]) => where).sort()).toEqual(['restart 1', 'restart 2', 'restart 3'])
  for (const [where, out] of seen) expect(out).toEqual([world.id(Number(where.slice(-1)))])
  await asBefore()
  expect(await world.inspect([1, 2, 3], { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('a release that fails goes back while its host is in standby, and everything is as before', async () => {
  await threeOnV1()
  const seen: (readonly string[])[] = []
  world.at = async (where) => {
    if (where.startsWith('restart')) seen.push(await inStandby())
  }
  const { code, output } = await world.run('deploy', 'bad', '--yes')
  expect(code, output).toBe(5)
  for (const out of seen) expect(out).toHaveLength(1)
  expect(seen.length).toBeGreaterThanOrEqual(2)
  await asBefore()
  expect(await world.inspect([1, 2, 3], { current: 'v1', pointer: 'v1' })).toEqual([])
})

test('a deploy that is killed leaves an instance in standby; the next one brings it back first', async () => {
  await threeOnV1()
  const running = world.start('deploy', 'v2', '--yes')
  world.at = (where) => {
    if (where.startsWith('restart')) running.process.kill('SIGKILL')
    return Promise.resolve()
  }
  expect((await running.finished).code).toBe('SIGKILL')
  expect(await inStandby()).toHaveLength(1)
  expect((await world.groups.describe('api-prod')).MinSize).toBe(2)
  world.at = () => Promise.resolve()
  const { code, output } = await world.run('deploy', 'v2', '--yes', '--lock-wait', '2m')
  expect(code, output).toBe(0)
  expect(output).toMatch(/undoing what an earlier run left/)
  await asBefore()
  expect(await world.inspect([1, 2, 3], { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('what a killed deploy left is found by check, and brought back by check --fix without a deploy', async () => {
  await threeOnV1()
  const running = world.start('deploy', 'v2', '--yes')
  world.at = (where) => {
    if (where.startsWith('restart')) running.process.kill('SIGKILL')
    return Promise.resolve()
  }
  expect((await running.finished).code).toBe('SIGKILL')
  world.at = () => Promise.resolve()
  const [out = ''] = await inStandby()
  const found = await world.run('check')
  expect(found.code, found.output).toBe(8)
  expect(found.output).toMatch(new RegExp(`problem +lock .* left undone: .*standby api-prod ${out}`))
  expect(found.output).toContain('min-size api-prod 3 2')
  expect(await inStandby()).toEqual([out])
  const fixed = await world.run('doctor', '--fix')
  expect(fixed.output).toMatch(/undoing what an earlier run left/)
  expect(fixed.output).not.toMatch(/left undone/)
  await asBefore()
  // Standby that no deploy of ours made is somebody else's.
  const { EnterStandbyCommand } = await import('@aws-sdk/client-auto-scaling')
  await world.groups.scaling.send(await minimum(2))
  await world.groups.scaling.send(
    new EnterStandbyCommand({
      AutoScalingGroupName: 'api-prod',
      InstanceIds: [out],
      ShouldDecrementDesiredCapacity: true,
    }),
  )
  const foreign = await world.run('check', '--fix')
  expect(foreign.output).toMatch(new RegExp(`warning +fleet +${out} gets no traffic`))
  expect(await inStandby()).toEqual([out])
})
