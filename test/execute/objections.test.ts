import { afterEach, expect, test } from 'vitest'
import { noSteps, type FailureContext, type Steps } from '../../src/execute/steps.js'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

test('an objection before the first switch is a failure that is told, although no host failed', async () => {
  world = await World.running('web1', 'web2')
  const told: FailureContext[] = []
  const steps: Steps = {
    ...noSteps,
    before: (point) => (point === 'rollout' ? Promise.reject(new Error('not today')) : Promise.resolve()),
    failure: async (context) => void told.push(context),
  }
  const deployed = await world.deploy('v2', { steps })
  expect(deployed.code).toBe(1)
  expect(world.runs).toEqual(['v1', 'v1'])
  expect(told).toMatchObject([{ because: 'not today', outcomes: [{ kind: 'skipped' }, { kind: 'skipped' }] }])
})

test('a deploy that goes well tells no failure', async () => {
  world = await World.running('web1')
  const told: FailureContext[] = []
  const deployed = await world.deploy('v2', {
    steps: { ...noSteps, failure: async (context) => void told.push(context) },
  })
  expect(deployed.code).toBe(0)
  expect(told).toEqual([])
})
