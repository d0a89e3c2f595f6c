import { describe, expect, it } from 'vitest'
import { createStaticFleet } from '../../src/adapters/static-fleet.js'
import type { HostListConfig } from '../../src/config/types.js'
import { createTurnableClock } from '../fakes/clock.js'

const hostsOf = (...hosts: unknown[]) => createStaticFleet({ hosts } as HostListConfig).hosts()

describe('the hosts of the config', () => {
  it.each<[unknown, object]>([
    ['web1', { name: 'web1', address: 'web1' }],
    ['deploy@web1', { name: 'web1', address: 'web1', user: 'deploy' }],
    [
      'deploy@web1.example.org:2222',
      { name: 'web1.example.org', address: 'web1.example.org', user: 'deploy', port: 2222 },
    ],
    ['10.0.0.1:22', { name: '10.0.0.1', address: '10.0.0.1', port: 22 }],
    ['[::1]:2201', { name: '::1', address: '::1', port: 2201 }],
    ['root@[2001:db8::1]', { name: '2001:db8::1', address: '2001:db8::1', user: 'root' }],
    ['2001:db8::1', { name: '2001:db8::1', address: '2001:db8::1' }],
    [
      { host: 'deploy@web1', name: 'first', port: 23, labels: { zone: 'a' } },
      { name: 'first', address: 'web1', user: 'deploy', port: 23, labels: { zone: 'a' } },
    ],
    [
      { host: 'web1', user: undefined },
      { name: 'web1', address: 'web1' },
    ],
  ])('reads %j', async (entry, expected) => {
    expect(await hostsOf(entry)).toEqual([{ labels: {}, ...expected }])
  })

  it('names hosts on one address by their ports', async () => {
    const hosts = await hostsOf('127.0.0.1:2201', '127.0.0.1:2202', 'web1:2203')
    expect(hosts.map(({ name }) => name)).toEqual(['127.0.0.1:2201', '127.0.0.1:2202', 'web1'])
  })

  it.each<[unknown]>([
    [''],
    ['-oProxyCommand=x'],
    ['web1 web2'],
    ['web1;id'],
    ['$(id)'],
    ['web1\n'],
    ['@web1'],
    ['-l@web1'],
    ['a b@web1'],
    ['web1:'],
    ['web1:0'],
    ['web1:65536'],
    ['web1:22:23'],
    ['[::1'],
    ['[web1]:22'],
    ['[::1]x'],
    [null],
    [7],
    [['web1']],
    [{}],
    [{ host: 'web1', prot: 22 }],
    [{ host: 'web1', port: 2.5 }],
    [{ host: 'web1', port: '22; id' }],
    [{ host: 'web1', name: 'a b' }],
    [{ host: 'web1', user: '-x' }],
    [{ host: 'web1', labels: ['a'] }],
    [{ host: 'web1', labels: { a: 1 } }],
  ])('refuses %j, naming its place', async (entry) => {
    expect(() => createStaticFleet({ hosts: ['ok', entry] } as HostListConfig)).toThrow(
      expect.objectContaining({
        kind: 'usage',
        message: expect.stringContaining('fleet.hosts[1]') as string,
      }),
    )
  })

  it.each<[string, unknown[]]>([
    [
      'name',
      [
        { host: 'web1', name: 'a' },
        { host: 'web2', name: 'a' },
      ],
    ],
    ['address', ['web1', { host: 'web1', name: 'b' }]],
    ['address but for its case', ['web1', 'WEB1']],
    ['address and port', ['web1:22', { host: 'web1', port: 22, name: 'b' }]],
    ['address with another user', ['a@web1', 'b@web1']],
  ])('refuses two hosts of one %s', (_, hosts) => {
    expect(() => createStaticFleet({ hosts } as HostListConfig)).toThrow(
      /fleet\.hosts\[1\].*same host as fleet\.hosts\[0\]/,
    )
  })
})

describe('a fleet function', () => {
  it('is asked each time, with or without a promise', async () => {
    let calls = 0
    const fleet = createStaticFleet(() => (++calls === 1 ? ['web1'] : Promise.resolve(['web1', 'web2'])))
    expect(await fleet.hosts()).toHaveLength(1)
    expect(await fleet.hosts()).toHaveLength(2)
  })

  it('may find no hosts', async () => {
    expect(await createStaticFleet(() => []).hosts()).toEqual([])
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no network')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no network'))],
  ])('that %s is an error with its message', async (_, find) => {
    await expect(createStaticFleet(find as HostListConfig).hosts()).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('no network') as string,
    })
  })

  it.each([[undefined], ['web1'], [['-x']], [{ hosts: [] }]])('that gives %j is an error', async (result) => {
    const fleet = createStaticFleet((() => result) as unknown as HostListConfig)
    await expect(fleet.hosts()).rejects.toMatchObject({
      message: expect.stringContaining('fleet()') as string,
    })
  })

  it('that never answers is given up', async () => {
    const clock = createTurnableClock()
    const asked = createStaticFleet(() => new Promise(() => undefined), clock).hosts()
    const outcome = expect(asked).rejects.toMatchObject({ kind: 'failed' })
    await clock.turn(60_000)
    await outcome
    expect(clock.sleepers).toBe(0)
  })

  it('leaves no timer behind when it answers, and stops when told', async () => {
    const clock = createTurnableClock()
    await createStaticFleet(() => ['web1'], clock).hosts()
    expect(clock.sleepers).toBe(0)
    const controller = new AbortController()
    const asked = createStaticFleet(() => new Promise(() => undefined), clock).hosts(controller.signal)
    const reason = new Error('stop')
    controller.abort(reason)
    await expect(asked).rejects.toBe(reason)
    expect(clock.sleepers).toBe(0)
  })
})
