import { afterEach, describe, expect, test } from 'vitest'
import { settle, wrongProcess } from '../../src/execute/settle.js'
import type { ServiceFacts } from '../../src/remote/facts.js'
import type { HealthConfig } from '../../src/config/types.js'
import { healthCommand } from '../fakes/local-hosts.js'
import { World } from './world.js'

describe('the process that answers', () => {
  const first: ServiceFacts = { active: true, pid: 10, started: '100', restarts: 0, release: 'v2' }
  test.each<[string, ServiceFacts, ServiceFacts | undefined, RegExp | undefined]>([
    ['is the new one', first, undefined, undefined],
    ['is the same as before', first, first, undefined],
    ['does not run', { active: false, state: 'failed' }, undefined, /failed/],
    ['runs the old release still', { ...first, release: 'v1' }, undefined, /still runs v1/],
    ['is another one than before', { ...first, pid: 11 }, first, /restarted by itself/],
    ['has the number of the one before', { ...first, started: '200' }, first, /restarted by itself/],
    ['was restarted by its manager', { ...first, restarts: 1 }, first, /restarted by itself/],
    ['is not known', {}, first, undefined],
  ])('%s', (_, now, before, expected) => {
    const wrong = wrongProcess(now, 'v2', before)
    if (expected === undefined) expect(wrong).toBeUndefined()
    else expect(wrong).toMatch(expected)
  })
})

describe('settling', () => {
  let world: World
  afterEach(() => world.close())

  const health: HealthConfig = {
    check: { kind: 'command', command: `echo . >>"$DELIVER_PATH/asked"; ${healthCommand}` },
    successes: 3,
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
