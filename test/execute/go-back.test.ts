import { afterEach, describe, expect, test } from 'vitest'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

describe('after a host failed', () => {
  test('rollback: those that had switched go back too, confirmed ones included', async () => {
    world = await World.running('web1', 'web2', 'web3')
    world.host('web2').put('sick-v2')
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 rolled-back v1', 'web3 skipped v1'])
    expect(deployed.code).toBe(5)
    expect(world.runs).toEqual(['v1', 'v1', 'v1'])
    expect(world.restarts()).toEqual([['v2', 'v1'], ['v2', 'v1'], []])
    for (const name of ['web1', 'web2']) {
      expect(world.host(name).state).toMatch(/good v1\n/)
      expect(world.host(name).state).toMatch(/bad v2\n/)
      expect(world.host(name).state).not.toMatch(/unconfirmed/)
    }
  })

  test('rollback-host: only the failed one goes back', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').put('sick-v2')
    const deployed = await world.deploy('v2', { rollout: { onFailure: 'rollback-host' } })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 rolled-back v1'])
    expect(deployed.code).toBe(4)
    expect(world.runs).toEqual(['v2', 'v1'])
  })

  test('stop: everything stays as it is, for people to look at', async () => {
    world = await World.running('web1', 'web2', 'web3')
    world.host('web2').put('sick-v2')
    const deployed = await world.deploy('v2', { rollout: { onFailure: 'stop' } })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 failed v2', 'web3 skipped v1'])
    expect(deployed.code).toBe(4)
    expect(world.runs).toEqual(['v2', 'v2', 'v1'])
  })

  test('a restart that fails goes back, and people see what it said', async () => {
    world = await World.running('web1')
    world.host('web1').put('cannot-start-v2')
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rolled-back v1'])
    expect(deployed.code).toBe(5)
    expect(deployed.why.join()).toContain('restart failed')
    expect(world.restarts()).toEqual([['v2', 'v1']])
  })

  test('a first release that fails: the host that failed runs nothing again, its service was stopped', async () => {
    world = new World('web1')
    world.host('web1').put('sick-v1')
    const deployed = await world.deploy('v1')
    expect(deployed.ends).toEqual(['web1 rolled-back nothing'])
    expect(deployed.code).toBe(5)
    expect(world.runs).toEqual([undefined])
    expect(world.restarts()).toEqual([['v1', 'stop']])
  })

  test('a first release that is good on one host and fails on the next: the good one keeps its service', async () => {
    world = new World('web1', 'web2')
    world.host('web2').put('sick-v1')
    const deployed = await world.deploy('v1')
    expect(deployed.ends).toEqual(['web1 done v1', 'web2 rolled-back nothing'])
    expect(deployed.code).toBe(4)
  })

  test('the old release fails too: 6, and every host is still tried', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').put('sick-v2')
    world.host('web2').put('sick-v1')
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 rollback-failed v1'])
    expect(deployed.code).toBe(6)
  })

  test('a host out of reach keeps nothing of the rest from going back; the same deploy later converges', async () => {
    world = await World.running('web1', 'web2')
    const deployed = await world.deploy('v2', {
      onEvent: (event) => {
        if (event.type === 'host-state' && event.state === 'settling' && event.host === 'web2')
          world.host('web2').down()
      },
    })
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 rollback-failed unknown'])
    expect(deployed.code).toBe(6)
    expect(deployed.warnings.join()).toMatch(/doesn't answer .* it is asked up to 5 times more what it runs/)
    world.host('web2').up()
    const again = await world.deploy('v2')
    expect(again.ends).toEqual(['web1 done v2', 'web2 done v2'])
    expect(world.host('web2').state).not.toMatch(/unconfirmed/)
  })

  test.each(['before', 'after', 'middle'] as const)(
    'the line goes %s a revert: the host goes back all the same, and restarts once',
    async (kind) => {
      world = await World.running('web1')
      world.host('web1').put('sick-v2')
      world.host('web1').fail({ verb: 'revert', kind })
      const deployed = await world.deploy('v2')
      expect(deployed.ends).toEqual(['web1 rolled-back v1'])
      expect(world.restarts()).toEqual([['v2', 'v1']])
    },
  )
})

describe('rollback by hand', () => {
  test('goes to the last good release; said again, it stays there', async () => {
    world = await World.running('web1', 'web2')
    expect(await world.deploy('v2')).toMatchObject({ code: 0 })
    world.restarts()
    expect(await world.rollback(undefined)).toMatchObject({
      code: 0,
      ends: ['web1 done v1', 'web2 done v1'],
    })
    expect(world.restarts()).toEqual([['v1'], ['v1']])
    expect(await world.rollback(undefined)).toMatchObject({ code: 0 })
    expect(world.restarts()).toEqual([[], []])
    expect(world.host('web1').state).toMatch(/bad v2/)
  })

  test('said again, it restarts the app where it is not well, and there alone', async () => {
    world = await World.running('web1', 'web2')
    expect(await world.deploy('v2')).toMatchObject({ code: 0 })
    expect(await world.rollback(undefined)).toMatchObject({ code: 0 })
    world.restarts()
    world.host('web1').put('sick-v1')
    const again = await world.rollback(undefined, {
      // A restart is what heals it.
      onEvent: (event) => {
        if (event.type === 'batch-started') world.host('web1').remove('sick-v1')
      },
    })
    expect(again).toMatchObject({ code: 0, ends: ['web1 done v1', 'web2 done v1'] })
    expect(world.restarts()).toEqual([['v1'], []])
  })

  test('said again, it is no success where the app can not be brought back', async () => {
    world = await World.running('web1', 'web2')
    expect(await world.deploy('v2')).toMatchObject({ code: 0 })
    expect(await world.rollback(undefined)).toMatchObject({ code: 0 })
    world.host('web1').put('sick-v1')
    const again = await world.rollback(undefined)
    expect(again).toMatchObject({ code: 6, ends: ['web1 rollback-failed v1', 'web2 done v1'] })
  })

  test('to a release that a host lacks: it is staged from the store', async () => {
    world = await World.running('web1')
    await world.publish('v0')
    expect(await world.rollback('v0')).toMatchObject({ code: 0, ends: ['web1 done v0'] })
    expect(world.restarts()).toEqual([['v0']])
  })

  test('a host that does not come back keeps the others not from going back', async () => {
    world = await World.running('web1', 'web2')
    expect(await world.deploy('v2')).toMatchObject({ code: 0 })
    world.host('web1').put('sick-v1')
    const back = await world.rollback(undefined)
    expect(back.ends).toEqual(['web1 rollback-failed v1', 'web2 done v1'])
    expect(back.code).toBe(6)
  })
})
