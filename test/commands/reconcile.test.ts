import { afterEach, describe, expect, test } from 'vitest'
import { reconcile } from '../../src/commands/reconcile.js'
import { probeHost } from '../../src/execute/facts.js'
import { FleetWatch } from '../../src/execute/fleet-watch.js'
import type { Host } from '../../src/ports.js'
import { World } from '../execute/world.js'

let world: World
afterEach(() => world.close())

const hosts = (): readonly Host[] => world.hosts.all.map(({ host }) => host)

/** `web2` runs v1 and comes into service when it is told to. */
async function withLateHost(): Promise<{ fleet: () => readonly Host[]; come: () => void }> {
  world = await World.running('web1', 'web2')
  let there = false
  return {
    fleet: () => hosts().filter(({ name }) => there || name !== 'web2'),
    come: () => (there = true),
  }
}

describe('servers that booted with the old release', () => {
  test('are brought up to date after the pointer moved, and only then is it done', async () => {
    const { fleet, come } = await withLateHost()
    const deployed = await world.deploy('v2', { fleet, finish: async () => come() })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2'])
    expect(deployed.code).toBe(0)
    expect(world.runs).toEqual(['v2', 'v2'])
  })

  test('are waited for when they were launched before the pointer moved', async () => {
    const { fleet, come } = await withLateHost()
    const launchedAt = world.hosts.clock.now()
    let moved = Number.POSITIVE_INFINITY
    const pending = async () => {
      if (world.hosts.clock.now() > moved + 60_000) come()
      return fleet().length === 2 ? [] : [{ name: 'web2', launchedAt }]
    }
    const finish = async () => void (moved = world.hosts.clock.now())
    const deployed = await world.deploy('v2', { fleet, finish, around: { pending } })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2'])
    expect(deployed.code).toBe(0)
    expect(deployed.events).toContainEqual({ type: 'note', text: 'waiting for web2 to boot' })
  })

  test('and launched after it are not waited for; nor is one that does not come for ever', async () => {
    const { fleet } = await withLateHost()
    const soon = async () => [{ name: 'web9', launchedAt: world.hosts.clock.now() + 3_600_000 }]
    const first = await world.deploy('v2', { fleet, around: { pending: soon } })
    expect(first.code).toBe(0)
    expect(first.warnings.join()).not.toContain('web9')
    const pending = async () => [{ name: 'web9' }]
    const deployed = await world.deploy('v3', { fleet, around: { pending, bootTimeout: 60_000 } })
    expect(deployed.code).toBe(0)
    expect(deployed.warnings.join()).toContain(
      'web9: launched before the pointer moved, and not in service yet',
    )
  })

  test('one that fails goes back alone, and the exit code is 4', async () => {
    const { fleet, come } = await withLateHost()
    world.host('web2').put('sick-v2')
    const deployed = await world.deploy('v2', { fleet, finish: async () => come() })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 rolled-back v1'])
    expect(deployed.code).toBe(4)
  })

  test('one that cannot be reached is told', async () => {
    const { fleet, come } = await withLateHost()
    world.host('web2').down()
    const deployed = await world.deploy('v2', { fleet, finish: async () => come() })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 failed unknown'])
    expect(deployed.code).toBe(4)
  })

  test('a deploy to chosen hosts looks for no others', async () => {
    const { fleet, come } = await withLateHost()
    const deployed = await world.deploy('v2', { fleet, finish: async () => come(), flags: { hosts: 'web1' } })
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.host('web2').runs).toBe('v1')
  })

  test('a fleet that changes for ever ends it all the same, and not as a success', async () => {
    world = await World.running('web1')
    const run = world.run()
    const probed = await probeHost(run, world.link(world.host('web1').host))
    let born = 0
    let updates = 0
    const watch = new FleetWatch({
      known: [],
      ask: async () => [{ name: `web${++born}`, address: 'x.test', labels: {} }],
      join: async ({ name }) => ({ probed, step: { ...step, host: name } }),
    })
    const reconciled = await reconcile({
      run,
      watch,
      fleet: { name: 'test', hosts: async () => [] },
      pointerMovedAt: 0,
      update: async () => {
        updates++
        return { outcomes: [], accepted: true, problem: undefined }
      },
    })
    expect(updates).toBe(5)
    expect(reconciled.problem).toContain('still changes')
  })
})

const step = { host: '', from: 'v1', to: 'v2', stage: 'present', act: 'activate', because: '' } as const

describe('the pointer', () => {
  test('stays when the fleet cannot be asked at the end', async () => {
    world = await World.running('web1')
    let asked = 0
    let moved = false
    const deployed = await world.deploy('v2', {
      fleet: () => {
        if (++asked > 1) throw new Error('throttled')
        return hosts()
      },
      finish: async () => void (moved = true),
    })
    expect(deployed.code).toBe(4)
    expect(deployed.result.text).toContain('the fleet could not be asked at the end: throttled')
    expect(moved).toBe(false)
  })

  test('waits for a fleet that answers again within a minute', async () => {
    world = await World.running('web1')
    const until = world.hosts.clock.now() + 40_000
    let asked = 0
    let moved = false
    const deployed = await world.deploy('v2', {
      fleet: () => {
        if (++asked > 1 && world.hosts.clock.now() < until) throw new Error('throttled')
        return hosts()
      },
      finish: async () => void (moved = true),
    })
    expect(deployed.code).toBe(0)
    expect(moved).toBe(true)
  })

  test.each([
    ['within the budget of failures it moves', { maxFailures: { count: 1 } }, true],
    ['beyond it it stays', {}, false],
  ] as const)('%s', async (_, rollout, expected) => {
    world = await World.running('web1', 'web2')
    world.host('web2').put('sick-v2')
    let moved = false
    const deployed = await world.deploy('v2', { rollout, finish: async () => void (moved = true) })
    expect(deployed.code).not.toBe(0)
    expect(moved).toBe(expected)
  })
})
