import { afterEach, describe, expect, test } from 'vitest'
import { noSteps, type Steps } from '../../src/execute/steps.js'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

describe('canaries', () => {
  test('are a batch of their own, and are watched before the others follow', async () => {
    world = await World.running('web1', 'web2', 'web3')
    const started = world.hosts.clock.now()
    const at: number[] = []
    const deployed = await world.deploy('v2', {
      rollout: { canary: { hosts: 1, bake: 60_000 }, batch: [{ count: 2 }] },
      onEvent: (event) => {
        if (event.type === 'batch-started') at.push(world.hosts.clock.now() - started)
      },
    })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2', 'web3 done v2'])
    const batches = deployed.events.flatMap((event) => (event.type === 'batch-started' ? [event.hosts] : []))
    expect(batches).toEqual([['web1'], ['web2', 'web3']])
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(60_000)
  })

  test('one that falls ill while it is watched has failed, though it was confirmed', async () => {
    world = await World.running('web1', 'web2')
    const deployed = await world.deploy('v2', {
      rollout: { canary: { hosts: 1, bake: 600_000 } },
      onEvent: (event) => {
        if (event.type === 'note' && event.text.startsWith('watching')) world.host('web1').put('sick-v2')
      },
    })
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 skipped v1'])
    expect(deployed.code).toBe(5)
    expect(world.restarts()).toEqual([['v2', 'v1'], []])
  })
})

describe('a budget of failures', () => {
  test('within it only the failed host goes back, the rollout goes on, and the exit code is 4', async () => {
    world = await World.running('web1', 'web2', 'web3')
    world.host('web1').put('sick-v2')
    const deployed = await world.deploy('v2', { rollout: { maxFailures: { count: 1 } } })
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 done v2', 'web3 done v2'])
    expect(deployed.code).toBe(4)
  })

  test('with stop it stays, and the rollout goes on', async () => {
    world = await World.running('web1', 'web2')
    world.host('web1').put('sick-v2')
    const rollout = { maxFailures: { percent: 50 }, onFailure: 'stop' } as const
    const deployed = await world.deploy('v2', { rollout })
    expect(deployed.ends).toEqual(['web1 failed v2', 'web2 done v2'])
    expect(deployed.code).toBe(4)
  })

  test('one more than it ends the rollout, and all go back', async () => {
    world = await World.running('web1', 'web2', 'web3', 'web4')
    world.host('web1').put('sick-v2')
    world.host('web3').put('sick-v2')
    const deployed = await world.deploy('v2', { rollout: { maxFailures: { count: 1 } } })
    expect(deployed.ends).toEqual([
      'web1 rolled-back v1',
      'web2 rolled-back v1',
      'web3 rolled-back v1',
      'web4 skipped v1',
    ])
    expect(deployed.code).toBe(5)
  })

  test('every host failed is no success, whatever the budget', async () => {
    world = await World.running('web1', 'web2')
    for (const { host } of world.hosts.all) world.host(host.name).put('sick-v2')
    const deployed = await world.deploy('v2', { rollout: { maxFailures: { percent: 100 } } })
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 rolled-back v1'])
    expect(deployed.code).toBe(5)
  })

  test('one that cannot be staged is left out within it', async () => {
    world = await World.running('web1', 'web2')
    world.host('web1').put('releases/v2', 'in the way')
    const deployed = await world.deploy('v2', { rollout: { maxFailures: { count: 1 } } })
    expect(deployed.ends).toEqual(['web1 failed v1', 'web2 done v2'])
  })
})

describe('hosts out of reach', () => {
  test('as many as allowed stop nothing, and are not forgotten', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').down()
    const deployed = await world.deploy('v2', { rollout: { allowUnreachable: 1 } })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 failed unknown'])
    expect(deployed.code).toBe(4)
  })

  test('one more stops it before anything is sent', async () => {
    world = await World.running('web1', 'web2', 'web3')
    world.host('web2').down()
    world.host('web3').down()
    const deployed = await world.deploy('v2', { rollout: { allowUnreachable: 1 } })
    expect(deployed.code).toBe(1)
    expect(world.host('web1').calls).not.toContain('put')
  })

  test('they count for a limit that is set', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').down()
    const rollout = { allowUnreachable: 1, maxUnavailable: { count: 1 } }
    const deployed = await world.deploy('v2', { rollout })
    expect(deployed.ends).toEqual(['web1 skipped v1', 'web2 failed unknown'])
    expect(deployed.why.join()).toContain('no more than 1 may be out of service, and web2 are')
    expect(deployed.code).toBe(1)
  })

  test('one that has left the fleet is gone', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').down()
    let asked = 0
    const fleet = () => world.hosts.all.map(({ host }) => host).slice(0, ++asked === 1 ? 2 : 1)
    const deployed = await world.deploy('v2', { fleet })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 gone -'])
    expect(deployed.code).toBe(0)
  })
})

describe('what is run around the steps', () => {
  const objectTo = (when: 'before' | 'after', point: string): Steps => ({
    ...noSteps,
    [when]: async (at: string) => {
      if (at === point) throw new Error(`no ${when} ${point}`)
    },
  })

  test.each([
    ['before', 'stage', ['web1 failed v1', 'web2 failed v1'], 1],
    ['before', 'rollout', ['web1 skipped v1', 'web2 skipped v1'], 1],
    ['before', 'batch', ['web1 failed v1', 'web2 skipped v1'], 1],
    ['before', 'host', ['web1 failed v1', 'web2 skipped v1'], 1],
    ['before', 'activate', ['web1 failed v1', 'web2 skipped v1'], 1],
    ['after', 'stage', ['web1 failed v1', 'web2 failed v1'], 1],
    ['after', 'settle', ['web1 rolled-back v1', 'web2 skipped v1'], 5],
    ['after', 'host', ['web1 rolled-back v1', 'web2 skipped v1'], 5],
    ['after', 'batch', ['web1 rolled-back v1', 'web2 skipped v1'], 5],
    ['after', 'rollout', ['web1 rolled-back v1', 'web2 rolled-back v1'], 5],
  ] as const)('%s %s', async (when, point, ends, code) => {
    world = await World.running('web1', 'web2')
    const deployed = await world.deploy('v2', { steps: objectTo(when, point) })
    expect(deployed.ends).toEqual(ends)
    expect(deployed.code).toBe(code)
    expect(world.runs).toEqual(['v1', 'v1'])
  })

  test('before rollback: the host stays, and that is told as a rollback that failed', async () => {
    world = await World.running('web1')
    world.host('web1').put('sick-v2')
    const deployed = await world.deploy('v2', { steps: objectTo('before', 'rollback') })
    expect(deployed.ends).toEqual(['web1 rollback-failed v2'])
    expect(deployed.code).toBe(6)
  })

  test('after rollout is an objection for the hosts of other policies too', async () => {
    world = await World.running('web1')
    const rollout = { onFailure: 'rollback-host' } as const
    const deployed = await world.deploy('v2', { rollout, steps: objectTo('after', 'rollout') })
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(deployed.code).toBe(4)
  })

  test('failure is told once, with how hosts ended', async () => {
    world = await World.running('web1')
    world.host('web1').put('sick-v2')
    const told: string[] = []
    const steps: Steps = {
      ...noSteps,
      failure: async ({ because, outcomes }) => {
        told.push(`${because.split(':')[0]}; ${outcomes.map(({ kind }) => kind).join()}`)
      },
    }
    await world.deploy('v2', { steps })
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('rolled-back')
  })
})

test('how long a host took is counted from its own first step', async () => {
  world = await World.running('web1', 'web2')
  const deployed = await world.deploy('v2', { rollout: { pause: 3_600_000 }, steps: noSteps })
  expect(deployed.code).toBe(0)
  const [first] = deployed.outcomes
  expect(first?.ms).toBeLessThan(3_600_000)
})
