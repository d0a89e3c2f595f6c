import { afterEach, describe, expect, test } from 'vitest'
import { createMemoryChangeLog, FakeDrain, type MemoryChangeLog } from '../fakes/drain.js'
import { World, type DeployOptions } from './world.js'

let world: World
let drain: FakeDrain
let changes: MemoryChangeLog
afterEach(() => world.close())

async function running(...names: readonly string[]): Promise<void> {
  world = await World.running(...names)
  drain = new FakeDrain()
  changes = createMemoryChangeLog()
}

const draining = (options: DeployOptions = {}): DeployOptions => ({
  ...options,
  drainage: { drain, changes },
})

function isEmpty(): void {
  expect([...drain.out]).toEqual([])
  expect(changes.entries).toEqual([])
}

describe('hosts are out of traffic while they are switched', () => {
  test('batch by batch, and in the change log as long as they are', async () => {
    await running('web1', 'web2', 'web3')
    const outside: string[] = []
    const deployed = await world.deploy(
      'v2',
      draining({
        rollout: { batch: [{ count: 2 }] },
        onEvent: (event) => {
          if (event.type !== 'host-state' || event.state !== 'activating') return
          if (!drain.out.has(event.host) || !changes.entries.includes(`out ${event.host}`))
            outside.push(event.host)
        },
      }),
    )
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2', 'web3 done v2'])
    expect(drain.calls).toEqual(['out web1,web2', 'back web1,web2', 'out web3', 'back web3'])
    expect(outside).toEqual([])
    isEmpty()
  })

  test('one that fails goes back before it is brought back; one that was well is taken out again for it', async () => {
    await running('web1', 'web2')
    world.host('web2').put('sick-v2')
    const inTraffic: string[] = []
    const deployed = await world.deploy(
      'v2',
      draining({
        onEvent: (event) => {
          if (event.type === 'host-state' && event.state === 'rolling-back' && !drain.out.has(event.host))
            inTraffic.push(event.host)
        },
      }),
    )
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 rolled-back v1'])
    expect(deployed.code).toBe(5)
    expect(drain.calls).toEqual(['out web1', 'back web1', 'out web2', 'back web2', 'out web1', 'back web1'])
    expect(inTraffic).toEqual([])
    isEmpty()
  })

  test('stop leaves a failed host on what failed, and brings it back at the end', async () => {
    await running('web1', 'web2')
    world.host('web1').put('sick-v2')
    const deployed = await world.deploy('v2', draining({ rollout: { onFailure: 'stop' } }))
    expect(deployed.ends).toEqual(['web1 failed v2', 'web2 skipped v1'])
    isEmpty()
  })

  test('a rollback by hand drains too', async () => {
    await running('web1')
    expect(await world.deploy('v2', draining())).toMatchObject({ code: 0 })
    drain.calls.length = 0
    expect(await world.rollback(undefined, draining())).toMatchObject({ code: 0 })
    expect(drain.calls).toEqual(['out web1', 'back web1'])
  })
})

describe('the load balancer does not do as it is told', () => {
  test('what cannot be taken out is not switched, and what was taken out comes back', async () => {
    await running('web1', 'web2')
    drain.stuckIn.add('web2')
    const deployed = await world.deploy('v2', draining({ rollout: { batch: [{ count: 2 }] } }))
    expect(deployed.ends).toEqual(['web1 failed v1', 'web2 failed v1'])
    expect(deployed.why.join()).toContain('could not be taken out of traffic: web2 is held')
    expect(deployed.code).toBe(1)
    expect(world.restarts()).toEqual([[], []])
    isEmpty()
  })

  test('a host that cannot be brought back has failed, and stays in the change log', async () => {
    await running('web1', 'web2', 'web3')
    drain.stuckOut.add('web2')
    const deployed = await world.deploy('v2', draining({ rollout: { batch: [{ count: 2 }] } }))
    expect(deployed.ends).toEqual(['web1 rolled-back v1', 'web2 rollback-failed v1', 'web3 skipped v1'])
    expect(deployed.why.join()).toContain('still out of traffic (a load balancer): web2 was not in service')
    expect(deployed.code).toBe(6)
    expect([...drain.out]).toEqual(['web2'])
    expect(changes.entries).toEqual(['out web2'])
  })

  test('a host that is let back in and does not become healthy goes back out of traffic again', async () => {
    await running('web1', 'web2')
    drain.ill.add('web1')
    const deployed = await world.deploy('v2', draining({ rollout: { batch: [{ count: 2 }] } }))
    expect(deployed.why.join()).toContain('still out of traffic (a load balancer): it is unhealthy after 10m')
    // One wait for the batch, and one after it went back: not another one for each of its hosts, nor at the end.
    expect(drain.calls).toEqual(['out web1,web2', 'back web1,web2', 'out web1,web2', 'back web1,web2'])
    expect(deployed.ends).toEqual(['web1 rollback-failed v1', 'web2 rolled-back v1'])
    expect(deployed.code).toBe(6)
    expect(changes.entries).toEqual(['out web1'])
  })

  test('an interrupt while it is waited for: nothing failed, nothing is switched, all comes back', async () => {
    await running('web1', 'web2')
    const stop = new AbortController()
    const deployed = await world.deploy(
      'v2',
      draining({
        stop: stop.signal,
        onEvent: (event) => {
          if (event.type === 'batch-started') stop.abort(new Error('interrupted'))
        },
      }),
    )
    expect(deployed.code).toBe(130)
    expect(deployed.ends).toEqual(['web1 skipped v1', 'web2 skipped v1'])
    expect(world.restarts()).toEqual([[], []])
    isEmpty()
  })

  test('the lock is lost: nothing is touched any more, and the change log says what is left', async () => {
    await running('web1', 'web2')
    const lost = new AbortController()
    const deployed = await world.deploy(
      'v2',
      draining({
        lost: lost.signal,
        onEvent: (event) => {
          if (event.type === 'host-state' && event.state === 'settling') lost.abort(new Error('lost'))
        },
      }),
    )
    expect(deployed.code).not.toBe(0)
    expect(drain.calls).toEqual(['out web1'])
    expect(changes.entries).toEqual(['out web1'])
  })
})
