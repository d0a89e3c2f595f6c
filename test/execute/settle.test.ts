import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { settle } from '../../src/execute/settle.js'
import type { Config, HealthConfig, ServiceConfig } from '../../src/config/types.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { healthCommand, localService, restartCommand } from '../fakes/local-hosts.js'
import { World } from './world.js'

describe('settling', () => {
  let world: World
  afterEach(() => world.close())

  const health: HealthConfig = {
    check: { kind: 'command', command: `echo . >>"$DELIVER_PATH/asked"; ${healthCommand}` },
    successes: 3,
    minUptime: 0,
    interval: 1_000,
    timeout: 10_000,
    deadline: 10_000,
  }

  test('takes as many good answers as the config says, with the interval between them', async () => {
    world = await World.running('web1')
    const started = world.hosts.clock.now()
    const host = world.link(world.host('web1').host)
    expect(await settle(world.run({ config: { health } }), host, 'v1')).toEqual({
      kind: 'healthy',
      answers: 3,
    })
    expect(world.hosts.clock.now() - started).toBe(2_000)
  })

  test('an answer that flaps starts the count again, and never settles', async () => {
    world = await World.running('web1')
    const flapping = 'f="$DELIVER_PATH/turn"; if [ -e "$f" ]; then rm "$f"; exit 1; else : >"$f"; fi'
    const flaps = { ...health, successes: 2, check: { kind: 'command' as const, command: flapping } }
    const host = world.link(world.host('web1').host)
    expect(await settle(world.run({ config: { health: flaps } }), host, 'v1')).toMatchObject({
      kind: 'unhealthy',
    })
  })

  test('ends at the deadline, with the reason', async () => {
    world = await World.running('web1')
    world.host('web1').put('sick-v1')
    const started = world.hosts.clock.now()
    const host = world.link(world.host('web1').host)
    const settled = await settle(world.run({ config: { health } }), host, 'v1')
    expect(settled).toMatchObject({
      kind: 'unhealthy',
      because: 'not healthy after 10 s: the command exited 1',
    })
    expect(world.hosts.clock.now() - started).toBeLessThanOrEqual(10_000)
  })

  test('a host that cannot be looked at proves nothing, until it can again', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.fail({ verb: 'service', kind: 'before' })
    const started = world.hosts.clock.now()
    expect(await settle(world.run({ config: { health } }), world.link(host.host), 'v1')).toMatchObject({
      kind: 'healthy',
    })
    // The first answer was good, but nobody saw from which process.
    expect(world.hosts.clock.now() - started).toBeGreaterThan(2_000)
    expect(host.countOf('service')).toBe(3)
  })

  const pidFile: ServiceConfig = {
    ...localService,
    manager: { kind: 'command', restart: restartCommand, pidFile: 'pid' },
  }

  test('a stopped service is not waited for on a host that proved itself before, and is after a restart', async () => {
    world = await World.running('web1')
    world.host('web1').put('sick-v1')
    world.host('web1').put('pid')
    const run = world.run({ config: { health, service: pidFile } })
    const host = world.link(world.host('web1').host)
    const started = world.hosts.clock.now()
    expect(await settle(run, host, 'v1', { proven: true })).toMatchObject({
      kind: 'unhealthy',
      because: 'the service is not running',
    })
    const took = world.hosts.clock.now() - started
    expect(took).toBeGreaterThanOrEqual(1_000)
    expect(took).toBeLessThan(2_000)
    expect(await settle(run, host, 'v1')).toMatchObject({
      because: 'not healthy after 10 s: the command exited 1',
    })
  })

  test('one that somebody starts meanwhile is waited for', async () => {
    world = await World.running('web1')
    const web1 = world.host('web1')
    web1.put('sick-v1')
    web1.put('pid')
    const run = world.run({ config: { health, service: pidFile } })
    const settling = settle(run, world.link(web1.host), 'v1', { proven: true })
    await world.hosts.clock.sleep(500)
    const app = spawn('sleep', ['100'], { cwd: join(web1.path, 'current'), stdio: 'ignore' })
    try {
      web1.put('pid', String(app.pid))
      await world.hosts.clock.sleep(4_000)
      web1.remove('sick-v1')
      expect(await settling).toEqual({ kind: 'healthy', answers: 3 })
    } finally {
      app.kill()
    }
  })

  const asFast = { ...health, minUptime: 10_000, deadline: 30_000, successes: 2 }

  test('good answers span the minimum time, and are not waited for on a host that proved it before', async () => {
    world = await World.running('web1')
    const host = world.link(world.host('web1').host)
    const run = world.run({ config: { health: asFast } })
    const started = world.hosts.clock.now()
    expect(await settle(run, host, 'v1')).toEqual({ kind: 'healthy', answers: 11 })
    expect(world.hosts.clock.now() - started).toBe(10_000)
    expect(world.host('web1').countOf('service')).toBe(2)
    expect(await settle(run, host, 'v1', { proven: true })).toEqual({ kind: 'healthy', answers: 2 })
  })

  test('what answers well and is gone after five seconds never settles', async () => {
    world = await World.running('web1')
    const host = world.link(world.host('web1').host)
    const started = world.hosts.clock.now()
    const check = { kind: 'command' as const, command: 'test ! -e "$DELIVER_PATH/sick"' }
    const run = world.run({ config: { health: { ...asFast, check } } })
    const settling = settle(run, host, 'v1')
    await world.hosts.clock.sleep(5_000)
    world.host('web1').put('sick')
    expect(await settling).toMatchObject({
      kind: 'unhealthy',
      because: expect.stringContaining('not healthy after 30 s') as string,
    })
    expect(world.hosts.clock.now() - started).toBeGreaterThan(5_000)
  })

  test('without a check and a process to look at nothing is waited for, and that is said once', async () => {
    world = await World.running('web1')
    const events: DeliverEvent[] = []
    const run = world.run({ config: {} }, events)
    const config: Config = { ...run.config }
    Reflect.deleteProperty(config, 'health')
    const host = world.link(world.host('web1').host)
    const unchecked = { ...run, config }
    const started = world.hosts.clock.now()
    for (let times = 0; times < 2; times++)
      expect(await settle(unchecked, host, 'v1')).toEqual({ kind: 'healthy', answers: 1 })
    expect(world.hosts.clock.now()).toBe(started)
    expect(events[0]).toMatchObject({
      type: 'warning',
      text: expect.stringContaining('health unverified: web1: a restart command') as string,
    })
  })

  test('a lost lock ends it at the next look', async () => {
    world = await World.running('web1')
    world.host('web1').put('sick-v1')
    const lost = AbortSignal.abort(new Error('lost'))
    const host = world.link(world.host('web1').host)
    expect(await settle(world.run({ config: { health }, lost }), host, 'v1')).toMatchObject({
      because: 'the deploy lost its lock',
    })
  })
})
