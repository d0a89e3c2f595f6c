import { afterEach, describe, expect, test } from 'vitest'
import { readBack } from '../../src/execute/run.js'
import { activateHost } from '../../src/execute/switch.js'
import type { FaultKind } from '../fakes/local-session.js'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

const kinds: readonly FaultKind[] = ['before', 'middle', 'after', 'silent']

describe('one lost answer is read back', () => {
  test.each(kinds)('the line goes %s activate: done, and restarted once', async (kind) => {
    world = await World.running('web1')
    world.host('web1').fail({ verb: 'activate', kind })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.restarts()).toEqual([['v2']])
    expect(world.host('web1').countOf('activate')).toBe(kind === 'before' || kind === 'silent' ? 2 : 1)
  })

  test.each(kinds)('the line goes %s confirm: done and confirmed', async (kind) => {
    world = await World.running('web1')
    world.host('web1').fail({ verb: 'confirm', kind })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.host('web1').state).toMatch(/^confirmed \w+ v2\n(.*\n)*good v1\ngood v2/)
    expect(world.restarts()).toEqual([['v2']])
  })

  test('the restart failed and its answer was lost: found in the journal, and gone back', async () => {
    world = await World.running('web1')
    world.host('web1').put('cannot-start-v2')
    world.host('web1').fail({ verb: 'activate', kind: 'after' })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rolled-back v1'])
    expect(deployed.why.join()).toContain('restart failed')
    expect(world.restarts()).toEqual([['v2', 'v1']])
  })

  test('refused connections on the way are opened again', async () => {
    world = await World.running('web1')
    world.host('web1').fail({ verb: 'activate', kind: 'after' })
    const deployed = await world.deploy('v2', {
      onEvent: (event) => {
        if (event.type === 'host-state' && event.state === 'activating') world.host('web1').refuse(4)
      },
    })
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.restarts()).toEqual([['v2']])
  })
})

describe('a run that dies after a step, and the same run again', () => {
  test.each(['put', 'stage', 'activate', 'confirm'])('%s', async (verb) => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.fail({ verb, kind: 'after' })
    const first = await world.deploy('v2', {
      rollout: { onFailure: 'stop' },
      // The host stays away from the lost answer on.
      onEvent: () => {
        if (host.countOf(verb) > 0) host.down()
      },
    })
    // Nothing happens between the lost answer and the next event, which is none for confirm.
    host.up()
    const again = await world.deploy('v2')
    expect(again.ends, first.ends.join()).toEqual(['web1 done v2'])
    expect(again.code).toBe(0)
    expect(host.runs).toBe('v2')
    expect(host.state).not.toMatch(/unconfirmed/)
  })
})

test('nobody confirms: the host goes back by itself, and the next deploy finds it in order', async () => {
  world = await World.running('web1')
  const record = await world.publish('v2')
  // Staged, then switched by a deployer that is never heard of again.
  const lost = new AbortController()
  await world.deploy('v2', {
    rollout: { onFailure: 'stop' },
    lost: lost.signal,
    onEvent: (event) => {
      if (event.type === 'host-state' && event.state === 'staged') lost.abort(new Error('lost'))
    },
  })
  expect(world.restarts()).toEqual([[]])
  const run = world.run({ rollout: { guard: 1_000 } })
  const host = world.link(world.host('web1').host)
  const target = { release: 'v2', digest: record.manifest.digest }
  expect(await activateHost(run, host, target)).toEqual({ kind: 'ok' })
  expect(world.runs).toEqual(['v2'])
  await host.link.close()
  await expect.poll(() => world.host('web1').state, { timeout: 20_000 }).toMatch(/^reverted/m)
  expect(world.runs).toEqual(['v1'])
  expect(world.restarts()).toEqual([['v2', 'v1']])
  expect(await world.deploy('v2')).toMatchObject({ code: 0, ends: ['web1 done v2'] })
})

describe('a switch that the host hears after it was given up', () => {
  test('does not happen: what the deploy said of the host stays true', async () => {
    world = await World.running('web1', 'web2')
    const host = world.host('web1')
    host.fail({ verb: 'activate', kind: 'late' }, { verb: 'activate', kind: 'late' })
    const deployed = await world.deploy('v2')
    expect(deployed.code).toBe(1)
    expect(deployed.ends).toEqual(['web1 failed v1', 'web2 skipped v1'])
    expect(await host.hearLate()).toBe(2)
    expect(host.runs).toBe('v1')
    expect(host.state).not.toMatch(/^unconfirmed/m)
    expect(world.restarts()).toEqual([[], []])
    expect(await world.deploy('v2')).toMatchObject({ code: 0, ends: ['web1 done v2', 'web2 done v2'] })
  })

  test('has happened when it is withdrawn: it goes on from there, and nothing is restarted a second time', async () => {
    world = await World.running('web1', 'web2')
    const host = world.host('web1')
    host.fail({ verb: 'activate', kind: 'late' }, { verb: 'activate', kind: 'late' })
    host.fail({ verb: 'withdraw', kind: 'thaw' }, { verb: 'journal', kind: 'thaw' })
    expect(await world.deploy('v2')).toMatchObject({ code: 0, ends: ['web1 done v2', 'web2 done v2'] })
    expect(world.restarts()).toEqual([['v2'], ['v2']])
    expect(await host.hearLate()).toBe(0)
  })

  test('has failed when it is withdrawn: the host goes back, and what failed is told', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.put('cannot-start-v2')
    host.fail({ verb: 'activate', kind: 'late' }, { verb: 'activate', kind: 'late' })
    host.fail({ verb: 'withdraw', kind: 'thaw' })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rolled-back v1'])
    expect(deployed.why.join()).toContain('restart failed')
  })

  test('has happened when it is withdrawn, and nobody can say how it ended: the host goes back', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.fail({ verb: 'activate', kind: 'late' }, { verb: 'activate', kind: 'late' })
    host.fail({ verb: 'withdraw', kind: 'thaw' })
    for (let tries = 0; tries < 20; tries++) host.fail({ verb: 'journal', kind: 'before' })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rolled-back v1'])
    expect(world.restarts()).toEqual([['v2', 'v1']])
    expect(await host.hearLate()).toBe(1)
    expect(host.runs).toBe('v1')
  })

  test('a host that cannot be told is not called unchanged, and the same deploy later converges', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.fail({ verb: 'activate', kind: 'late' }, { verb: 'activate', kind: 'late' })
    // When it is given up, and when it shall go back.
    for (let tries = 0; tries < 2 * readBack.tries; tries++) host.fail({ verb: 'withdraw', kind: 'before' })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 rollback-failed v1'])
    expect(deployed.code).toBe(6)
    await host.hearLate()
    expect(host.state).toMatch(/^unconfirmed/m)
    expect(await world.deploy('v2')).toMatchObject({ code: 0, ends: ['web1 done v2'] })
  })

  test('a host whose answer to that is lost is told again', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.fail({ verb: 'activate', kind: 'late' }, { verb: 'activate', kind: 'late' })
    host.fail({ verb: 'withdraw', kind: 'after' })
    expect(await world.deploy('v2')).toMatchObject({ code: 1, ends: ['web1 failed v1'] })
    expect(host.countOf('withdraw')).toBe(2)
    await host.hearLate()
    expect(host.runs).toBe('v1')
  })

  test('one that a later deploy has taken over is left to it', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.put('sick-v2')
    const deployed = await world.deploy('v2', {
      onEvent: (event) => {
        if (event.type === 'host-state' && event.state === 'rolling-back')
          host.put('.deliver/fence', '1000000')
      },
    })
    expect(deployed.ends).toEqual(['web1 rollback-failed v2'])
    expect(deployed.code).toBe(6)
    expect(deployed.why.join()).toContain('fenced out')
  })

  test('does not happen twice', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.fail({ verb: 'activate', kind: 'late' })
    expect(await world.deploy('v2')).toMatchObject({ code: 0, ends: ['web1 done v2'] })
    expect(world.restarts()).toEqual([['v2']])
    expect(await host.hearLate()).toBe(1)
    expect(world.restarts()).toEqual([[]])
    expect(host.state).not.toMatch(/^unconfirmed/m)
  })
})
