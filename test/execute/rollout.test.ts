import { afterEach, describe, expect, test } from 'vitest'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

async function running(release: string, ...names: readonly string[]): Promise<World> {
  world = new World(...names)
  const { code, ends } = await world.deploy(release)
  expect(code, ends.join('\n')).toBe(0)
  world.restarts()
  return world
}

describe('a rollout that goes well', () => {
  test('every host is switched, restarted once and confirmed, in batches', async () => {
    world = new World('web1', 'web2', 'web3')
    const deployed = await world.deploy('v1', { rollout: { batch: { count: 2 } } })
    expect(deployed.ends).toEqual(['web1 done v1', 'web2 done v1', 'web3 done v1'])
    expect(deployed.code).toBe(0)
    expect(world.runs).toEqual(['v1', 'v1', 'v1'])
    expect(world.restarts()).toEqual([['v1'], ['v1'], ['v1']])
    const batches = deployed.events.flatMap((event) => (event.type === 'batch-started' ? [event.hosts] : []))
    expect(batches).toEqual([['web1', 'web2'], ['web3']])
    for (const host of world.hosts.all) expect(host.state).toMatch(/good v1/)
  })

  test('hosts that run it already are looked at, and nothing is sent or restarted', async () => {
    await running('v1', 'web1', 'web2')
    for (const host of world.hosts.all) host.calls.length = 0
    const deployed = await world.deploy('v1')
    expect(deployed.ends).toEqual(['web1 done v1', 'web2 done v1'])
    expect(world.restarts()).toEqual([[], []])
    for (const { calls } of world.hosts.all)
      for (const verb of ['put', 'stage', 'activate', 'confirm']) expect(calls).not.toContain(verb)
  })

  test('one that runs it and is ill is restarted, before the others', async () => {
    await running('v1', 'web1', 'web2')
    world.hosts.host('web2').put('sick-v1')
    const deployed = await world.deploy('v1', {
      onEvent: (event) => {
        if (event.type === 'batch-started') world.hosts.host('web2').remove('sick-v1')
      },
    })
    expect(deployed.ends).toEqual(['web1 done v1', 'web2 done v1'])
    expect(world.restarts()).toEqual([[], ['v1']])
  })
})

describe('staging', () => {
  test('a host that cannot be staged: nothing is switched anywhere', async () => {
    await running('v1', 'web1', 'web2', 'web3')
    world.hosts.host('web2').put('releases/v2', 'in the way')
    const deployed = await world.deploy('v2')
    expect(deployed.code).toBe(1)
    expect(deployed.ends).toEqual(['web1 skipped v1', 'web2 failed v1', 'web3 skipped v1'])
    expect(world.runs).toEqual(['v1', 'v1', 'v1'])
    expect(world.restarts()).toEqual([[], [], []])
  })
})

describe('failure', () => {
  test('rollback: hosts that had switched go back too, newest first', async () => {
    await running('v1', 'web1', 'web2', 'web3')
    world.hosts.host('web3').put('sick-v2')
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 rolled-back v1', 'web3 rolled-back v1'])
    expect(deployed.code).toBe(5)
    expect(world.runs).toEqual(['v1', 'v1', 'v1'])
    expect(world.restarts()).toEqual([
      ['v2', 'v1'],
      ['v2', 'v1'],
      ['v2', 'v1'],
    ])
  })
})
