import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import { probeHost } from '../../src/execute/facts.js'
import type { RunHost } from '../../src/execute/run.js'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

describe('a host that is looked at', () => {
  test('tells what it runs and has', async () => {
    world = await World.running('web1')
    const probed = await probeHost(world.run(), world.link(world.host('web1').host))
    expect(probed).toMatchObject({
      kind: 'ready',
      view: { host: 'web1', current: 'v1', unconfirmed: false, good: ['v1'], bad: [], via: 'deploy' },
    })
    expect(probed.view?.staged.get('v1')).toBe(world.records.get('v1')?.manifest.digest)
  })

  test('and has nothing yet gets nothing by being looked at', async () => {
    world = new World('web1')
    const probed = await probeHost(world.run(), world.link(world.host('web1').host))
    expect(probed).toMatchObject({ kind: 'ready', view: { current: null, good: [] } })
    expect(world.host('web1').has('')).toBe(false)
  })

  test('and is asked twice when the first answer is lost, no more', async () => {
    world = await World.running('web1')
    const host = world.host('web1')
    host.fail({ verb: 'probe', kind: 'after' })
    expect(await probeHost(world.run(), world.link(host.host))).toMatchObject({ kind: 'ready' })
    host.fail({ verb: 'probe', kind: 'before' }, { verb: 'probe', kind: 'before' })
    const probed = await probeHost(world.run(), world.link(host.host))
    expect(probed).toMatchObject({ kind: 'unfit', because: 'web1: the connection was reset' })
  })

  test('that another store deployed to is unfit, and says what to do', async () => {
    world = await World.running('web1')
    const fence = join(world.host('web1').path, '.deliver/fence')
    writeFileSync(fence, '10\n')
    const link = () => world.link(world.host('web1').host)
    expect(await probeHost(world.run({ fence: 10 }), link())).toMatchObject({ kind: 'ready' })
    const refused = await probeHost(world.run({ fence: 9 }), link())
    expect(refused.kind === 'unfit' && refused.because).toMatch(
      /seen deploy 10, this is 9\..*another store.*: rm '\/.*\/\.deliver\/fence'$/,
    )
    // A dry run has no lock, and no number.
    expect(await probeHost(world.run({ fence: 0 }), link())).toMatchObject({ kind: 'ready' })
  })

  test('whose login shell runs nothing says what that printed', async () => {
    world = await World.running('web1')
    const made = world.link(world.host('web1').host)
    made.link.call = () =>
      Promise.resolve({
        kind: 'unknown',
        because: 'no result',
        log: 'Welcome\nThis account is not available.\n',
      })
    expect(await probeHost(world.run(), made)).toMatchObject({
      kind: 'unfit',
      because: 'no result (This account is not available.)',
    })
  })

  describe('whose health is asked over a connection', () => {
    const http = { kind: 'http', url: 'http://127.0.0.1:3000/health' } as const
    const probedWith = async (error: DeliverError, change: object = {}) => {
      world = await World.running('web1')
      const made = world.link(world.host('web1').host)
      const asked: unknown[] = []
      made.link.openTcp = (address) => {
        asked.push(address)
        return Promise.reject(error)
      }
      const run = world.run()
      const { health } = run.config
      const check = { ...http, status: [200], headers: {}, ...change }
      const config = { ...run.config, health: { ...health, check } } as typeof run.config
      return { asked, probed: await probeHost({ ...run, config }, made) }
    }
    const forbidden = new DeliverError('precondition', 'sshd forbids it', { fix: '' })

    test('is unfit when sshd forbids that, with what to do', async () => {
      const { asked, probed } = await probedWith(forbidden)
      expect(asked).toEqual([{ host: '127.0.0.1', port: 3000 }])
      expect(probed).toMatchObject({
        kind: 'unfit',
        because:
          "its health can't be asked for: sshd forbids it. Allow it there (AllowTcpForwarding local, for this login), or ask by health.command.",
      })
    })

    test('is not tried to be reached more often for it', async () => {
      world = await World.running('web1')
      const host = world.host('web1')
      host.down()
      const run = world.run()
      const health = { ...run.config.health, check: { ...http, status: [200], headers: {} } }
      const config = { ...run.config, health } as typeof run.config
      const before = host.connects
      expect(await probeHost({ ...run, config }, world.link(host.host))).toMatchObject({ kind: 'unfit' })
      expect(host.connects - before).toBe(2)
    })

    test('may have nobody listening yet', async () => {
      const { probed } = await probedWith(new DeliverError('failed', 'connection refused', { fix: '' }))
      expect(probed.kind).toBe('ready')
    })

    test('is asked nothing beforehand when a command does it', async () => {
      const { asked, probed } = await probedWith(forbidden, { kind: 'command', command: 'true' })
      expect(asked).toEqual([])
      expect(probed.kind).toBe('ready')
    })
  })

  test.each([
    ['without room', { bytes: 2 ** 49, inodes: 1 }, /disk full/],
    ['with room', { bytes: 1, inodes: 1 }, undefined],
  ])('%s', async (_, room, because) => {
    world = await World.running('web1')
    const probed = await probeHost(world.run(), world.link(world.host('web1').host), room)
    if (because === undefined) expect(probed.kind).toBe('ready')
    else expect(probed.kind === 'unfit' && probed.because).toMatch(because)
  })

  test('whose current is a directory of somebody else is unfit, with what to do', async () => {
    world = new World('web1')
    mkdirSync(join(world.host('web1').path, 'current'), { recursive: true })
    const probed = await probeHost(world.run(), world.link(world.host('web1').host))
    expect(probed.kind === 'unfit' && probed.because).toMatch(/current is a directory.*Move it away/)
  })
})

describe('a host whose address another server has', () => {
  /** The host of the fleet is one instance, and says that it is another. */
  function host(fleetSays: string | undefined, hostSays: string): RunHost {
    const { host: known } = world.host('web1')
    const made = world.link(fleetSays === undefined ? known : { ...known, instance: fleetSays })
    const { link } = made
    const call = link.call.bind(link)
    link.call = async (...args) => {
      const answer = await call(...args)
      if (answer.kind !== 'answer') return answer
      return { ...answer, facts: [...answer.facts, ['instance', hostSays]] }
    }
    return made
  }

  test.each([
    ['is another one', 'i-0123456789abcdef0', 'i-0fedcba9876543210', true],
    ['is the same one', 'i-0123456789abcdef0', 'i-0123456789abcdef0', false],
    ['has an id of another kind', 'i-0123456789abcdef0', 'iid-datasource-none', false],
    ['is of a fleet without ids', undefined, 'i-0fedcba9876543210', false],
  ])('%s', async (_, fleetSays, hostSays, swapped) => {
    world = await World.running('web1')
    const probed = await probeHost(world.run(), host(fleetSays, hostSays))
    expect(probed.kind === 'unfit' && probed.swapped === true).toBe(swapped)
    if (swapped) expect(probed.kind === 'unfit' && probed.because).toContain(`belongs to ${hostSays} by now`)
  })
})
