import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { inState } from '../rig/aws-proxy.js'
import { startFleetWorld, type FleetWorld } from './world.js'

/** What becomes of a group's instances once the pointer has moved: the deploy ends when all in service run the release. */
let world: FleetWorld

beforeAll(async () => {
  world = await startFleetWorld(4)
  await world.publish('v1')
  await world.publish('v2')
})
afterAll(() => world.stop())
beforeEach(() => world.clear())

const deploy = (release: string, ...flags: readonly string[]) =>
  world.run('deploy', release, '--yes', ...flags)

async function onV1(...numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await world.launch(number)
  const { code, output } = await deploy('v1', '--strategy', 'parallel')
  expect(code, output).toBe(0)
}

/** Once, before the answer to the first question about groups after the pointer has moved; that answer is from before it. */
function onceMoved(what: () => Promise<unknown>): () => boolean {
  let done = false
  world.proxy.after = async ({ action }, body) => {
    if (done || action !== 'DescribeAutoScalingGroups' || (await world.pointer()) !== 'v2') return body
    done = true
    await what()
    return body
  }
  return () => done
}

test('one that booted with the old release while the pointer moved is waited for, and brought up to date', async () => {
  await onV1(1, 2, 3, 4)
  const late = world.id(4)
  const states: string[] = []
  world.proxy.after = async ({ action }, body) => {
    if (action !== 'DescribeAutoScalingGroups') return body
    // In service a while after the pointer moved; until then its boot script is at work with the release of before.
    const moved = (await world.pointer()) === 'v2'
    const state = moved && states.filter((each) => each === 'moved').length > 1 ? 'InService' : 'Pending:Wait'
    states.push(moved ? 'moved' : 'before')
    return inState(body, (id) => (id === late ? state : 'InService'))
  }
  const { code, output } = await deploy('v2', '--expect', '3')
  expect(code, output).toBe(0)
  expect(output).toContain(`waiting for ${late} to boot`)
  expect(output).toContain(`came while the rollout was under way: ${late}`)
  expect(await world.running(1, 2, 3, 4)).toEqual(['1 v2', '2 v2', '3 v2', '4 v2'])
  expect(await world.inspect([1, 2, 3, 4], { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('one that never comes into service is told, and not waited for any longer than it may take to boot', async () => {
  await onV1(1, 2, 3)
  const late = await world.launch(4)
  world.proxy.after = ({ action }, body) =>
    action === 'DescribeAutoScalingGroups'
      ? inState(body, (id) => (id === late ? 'Pending' : 'InService'))
      : body
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(0)
  expect(output).toMatch(new RegExp(`${late}: launched before the pointer moved, and not in service yet`))
  expect(await world.inspect([1, 2, 3], { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('one that is launched after the pointer moved joins', async () => {
  await onV1(1, 2, 3)
  const done = onceMoved(() => world.launch(4))
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(0)
  expect(done()).toBe(true)
  expect(output).toContain(`came while the rollout was under way: ${world.id(4)}`)
  expect(await world.inspect([1, 2, 3, 4], { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('one that is terminated after the pointer moved is gone, and the deploy a success', async () => {
  await onV1(1, 2, 3)
  const id = world.id(3)
  const done = onceMoved(() => world.terminate(3))
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(0)
  expect(done()).toBe(true)
  expect(output).toMatch(new RegExp(`${id}.*gone`))
  expect(await world.inspect([1, 2], { current: 'v2', pointer: 'v2' })).toEqual([])
})

test('one that joins after the pointer moved and does not get healthy is no success', async () => {
  await onV1(1, 2, 3)
  const done = onceMoved(async () => {
    await world.launch(4)
    await world.server(4).sshd.stop()
  })
  const { code, output } = await deploy('v2')
  expect(code, output).toBe(4)
  expect(done()).toBe(true)
  expect(output).toMatch(new RegExp(`${world.id(4)}.*failed`))
  expect(await world.inspect([1, 2, 3], { current: 'v2', pointer: 'v2' })).toEqual([])
})
