import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

describe('a rollout that goes well', () => {
  test('every host is switched, restarted once and confirmed, in batches', async () => {
    world = new World('web1', 'web2', 'web3')
    const deployed = await world.deploy('v1', { rollout: { batch: [{ count: 2 }] } })
    expect(deployed.ends).toEqual(['web1 done v1', 'web2 done v1', 'web3 done v1'])
    expect(deployed.code).toBe(0)
    expect(world.runs).toEqual(['v1', 'v1', 'v1'])
    expect(world.restarts()).toEqual([['v1'], ['v1'], ['v1']])
    const batches = deployed.events.flatMap((event) => (event.type === 'batch-started' ? [event.hosts] : []))
    expect(batches).toEqual([['web1', 'web2'], ['web3']])
    for (const host of world.hosts.all) expect(host.state).toMatch(/good v1/)
  })

  test('hosts that run it already are looked at, and nothing is sent or restarted', async () => {
    world = await World.running('web1', 'web2')
    const deployed = await world.deploy('v1')
    expect(deployed.ends).toEqual(['web1 done v1', 'web2 done v1'])
    expect(world.restarts()).toEqual([[], []])
    for (const { calls } of world.hosts.all)
      for (const verb of ['put', 'stage', 'activate', 'confirm']) expect(calls).not.toContain(verb)
  })

  test('one that runs it and is ill is restarted', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').put('sick-v1')
    const deployed = await world.deploy('v1', {
      onEvent: (event) => {
        if (event.type === 'batch-started') world.host('web2').remove('sick-v1')
      },
    })
    expect(deployed.ends).toEqual(['web1 done v1', 'web2 done v1'])
    expect(world.restarts()).toEqual([[], ['v1']])
  })

  test('a host on trial of a run that died is switched again, first', async () => {
    world = await World.running('web1', 'web2')
    await world.deploy('v2', {
      rollout: { onFailure: 'stop' },
      fleet: () => [world.host('web2').host],
      onEvent: (event) => {
        if (event.type === 'host-state' && event.state === 'settling') world.host('web2').down()
      },
    })
    world.host('web2').up()
    expect(world.host('web2').state).toMatch(/^unconfirmed/)
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2'])
    const batches = deployed.events.flatMap((event) => (event.type === 'batch-started' ? event.hosts : []))
    expect(batches).toEqual(['web2', 'web1'])
    expect(world.host('web2').state).not.toMatch(/unconfirmed/)
  })
})

describe('before the first switch', () => {
  test('a host that cannot be staged: nothing is switched anywhere', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').put('releases/v2', 'in the way')
    const deployed = await world.deploy('v2')
    expect(deployed.code).toBe(1)
    expect(deployed.ends).toEqual(['web1 skipped v1', 'web2 failed v1'])
    expect(world.runs).toEqual(['v1', 'v1'])
    expect(world.restarts()).toEqual([[], []])
  })

  test('a damaged archive in the store: every host is told of it, and none is switched', async () => {
    world = await World.running('web1', 'web2')
    const record = await world.publish('v2')
    world.records.set('v2', { ...record, archive: { ...record.archive, sha256: '0'.repeat(64) } })
    const deployed = await world.deploy('v2')
    expect(deployed.code).toBe(1)
    expect(deployed.ends).toEqual(['web1 failed v1', 'web2 failed v1'])
    expect(deployed.why[0]).toMatch(/archive.*sha256/)
    expect(world.runs).toEqual(['v1', 'v1'])
  })

  test('a host that is down: nothing is sent to any', async () => {
    world = await World.running('web1', 'web2')
    world.host('web2').down()
    const deployed = await world.deploy('v2')
    expect(deployed.code).toBe(1)
    expect(deployed.ends).toEqual(['web1 skipped v1', 'web2 failed unknown'])
    expect(world.host('web1').calls).not.toContain('put')
  })

  test('an older deploy is refused by a host that has seen a newer one', async () => {
    world = await World.running('web1')
    expect(await world.deploy('v2', { fence: 500 })).toMatchObject({ code: 0 })
    world.restarts()
    const late = await world.deploy('v3', { fence: 400 })
    expect(late.code).toBe(1)
    expect(late.why.join()).toContain('fenced out')
    expect(world.runs).toEqual(['v2'])
    expect(world.restarts()).toEqual([[]])
  })
})

describe('somebody asks to stop', () => {
  test('while hosts are staged: nothing is switched', async () => {
    world = await World.running('web1', 'web2')
    const stop = new AbortController()
    const deployed = await world.deploy('v2', {
      stop: stop.signal,
      onEvent: (event) => {
        if (event.type === 'host-state' && event.state === 'staged') stop.abort(new Error('interrupted'))
      },
    })
    expect(deployed.code).toBe(130)
    expect(deployed.outcomes).toHaveLength(2)
    expect(world.runs).toEqual(['v1', 'v1'])
    expect(world.restarts()).toEqual([[], []])
  })

  test('during a batch: that batch is finished and confirmed, the next is not begun', async () => {
    world = await World.running('web1', 'web2')
    const stop = new AbortController()
    const deployed = await world.deploy('v2', {
      stop: stop.signal,
      onEvent: (event) => {
        if (event.type === 'host-state' && event.state === 'settling') stop.abort(new Error('interrupted'))
      },
    })
    expect(deployed.code).toBe(130)
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 skipped v1'])
    expect(world.host('web1').state).not.toMatch(/unconfirmed/)
    expect(world.restarts()).toEqual([['v2'], []])
  })

  test('in the pause between batches: the pause ends at once', async () => {
    world = await World.running('web1', 'web2')
    const stop = new AbortController()
    const started = world.hosts.clock.now()
    const deployed = await world.deploy('v2', {
      stop: stop.signal,
      rollout: { pause: 3_600_000 },
      onEvent: (event) => {
        if (event.type === 'batch-done') setTimeout(() => stop.abort(new Error('interrupted')), 1)
      },
    })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 skipped v1'])
    expect(world.hosts.clock.now() - started).toBeLessThan(3_600_000)
  })
})

describe('the lock is lost', () => {
  test.each(['staged', 'activating', 'settling', 'done'] as const)(
    'when the first host is %s: no host is changed from then on',
    async (state) => {
      world = await World.running('web1', 'web2')
      const lost = new AbortController()
      let before: readonly number[] = []
      const mutations = (): readonly number[] =>
        world.hosts.all.map(({ calls }) => calls.filter((verb) => mutating.includes(verb)).length)
      const deployed = await world.deploy('v2', {
        lost: lost.signal,
        onEvent: (event) => {
          if (event.type !== 'host-state' || event.state !== state || lost.signal.aborted) return
          lost.abort(new Error('lost'))
          before = mutations()
        },
      })
      expect(lost.signal.aborted).toBe(true)
      if (state !== 'staged') expect(mutations()).toEqual(before)
      expect(deployed.outcomes.map(({ host }) => host)).toEqual(['web1', 'web2'])
      expect(deployed.code).not.toBe(0)
      expect(world.host('web2').runs).toBe('v1')
    },
  )
})

const mutating = ['put', 'stage', 'activate', 'confirm', 'revert', 'prune']

describe('the fleet changes under way', () => {
  test('who joins is staged and switched too, and who leaves is gone', async () => {
    world = await World.running('web1', 'web2', 'web3')
    let asked = 0
    const { host } = world.host('web3')
    const fleet = () => {
      asked++
      if (asked === 1) return [world.host('web1').host, world.host('web2').host]
      if (asked === 2) return [world.host('web1').host, world.host('web2').host, host]
      return [world.host('web1').host, host]
    }
    const deployed = await world.deploy('v2', { fleet })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 gone -', 'web3 done v2'])
    expect(deployed.code).toBe(0)
    expect(world.runs).toEqual(['v2', 'v1', 'v2'])
  })

  test('a host that fails because it left has not failed', async () => {
    world = await World.running('web1', 'web2')
    let gone = false
    const deployed = await world.deploy('v2', {
      fleet: () => world.hosts.all.flatMap(({ host }) => (gone && host.name === 'web1' ? [] : [host])),
      onEvent: (event) => {
        if (event.type !== 'host-state' || event.state !== 'settling' || event.host !== 'web1') return
        gone = true
        world.host('web1').down()
      },
    })
    expect(deployed.ends).toEqual(['web1 gone -', 'web2 done v2'])
    expect(deployed.code).toBe(0)
  })

  test('a fleet that cannot be asked again is taken as it was', async () => {
    world = await World.running('web1')
    let asked = 0
    const deployed = await world.deploy('v2', {
      fleet: () => {
        if (++asked > 1) throw new Error('throttled')
        return [world.host('web1').host]
      },
    })
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(deployed.warnings.join()).toContain('throttled')
  })

  describe('a host that joins and cannot be reached', () => {
    /** web1 and web2 from the start; web3, which is down, from the first batch on for as long as `there` says. */
    async function deployWith(there: () => boolean, onSwitched: () => unknown = () => undefined) {
      world = await World.running('web1', 'web2', 'web3')
      world.host('web3').down()
      let asked = 0
      let moved = false
      const deployed = await world.deploy('v2', {
        fleet: () =>
          world.hosts.all.flatMap(({ host }) =>
            host.name === 'web3' && (++asked === 1 || !there()) ? [] : [host],
          ),
        onEvent: (event) => {
          if (event.type === 'batch-done') onSwitched()
        },
        finish: async () => void (moved = true),
      })
      return { ...deployed, moved }
    }

    test('is asked again at the end, when its sshd is up', async () => {
      let switched = 0
      const deployed = await deployWith(
        () => true,
        () => ++switched === 2 && world.host('web3').up(),
      )
      expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2', 'web3 done v2'])
      expect(deployed.warnings.join()).toContain("joined during the deploy, and can't be reached yet")
      expect(deployed.code).toBe(0)
    })

    test('is tried for a minute at the end', async () => {
      let switched = 0
      const later = async () => {
        await world.hosts.clock.sleep(40_000)
        world.host('web3').up()
      }
      const deployed = await deployWith(
        () => true,
        () => ++switched === 2 && void later(),
      )
      expect(deployed.ends).toContain('web3 done v2')
    })

    test('and never is, is told, and servers that boot get what the others run', async () => {
      const deployed = await deployWith(() => true)
      expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2', 'web3 failed unknown'])
      expect([deployed.code, deployed.moved]).toEqual([4, true])
    })

    test('and leaves again, was none of it', async () => {
      let switched = 0
      const deployed = await deployWith(
        () => switched < 2,
        () => switched++,
      )
      expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2'])
      expect([deployed.code, deployed.moved]).toEqual([0, true])
    })
  })

  test('a host that joins and cannot be deployed to keeps the pointer where it is', async () => {
    world = await World.running('web1', 'web2')
    const current = join(world.host('web2').path, 'current')
    rmSync(current)
    mkdirSync(current)
    let asked = 0
    let moved = false
    const deployed = await world.deploy('v2', {
      fleet: () => (++asked === 1 ? [world.host('web1').host] : world.hosts.all.map(({ host }) => host)),
      finish: async () => void (moved = true),
    })
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 failed unknown'])
    expect([deployed.code, moved]).toEqual([4, false])
    expect(deployed.warnings.join()).toContain('the pointer stays where it was')
  })
})
