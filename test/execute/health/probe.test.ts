import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { HealthConfig } from '../../../src/config/types.js'
import { healthPort, probeHealth, type Probe } from '../../../src/execute/health/probe.js'
import { World } from '../world.js'

const health = (check: HealthConfig['check']): HealthConfig => ({
  check,
  successes: 1,
  minUptime: 0,
  interval: 100,
  timeout: 2_000,
  deadline: 5_000,
})

describe('asking a host', () => {
  let world: World
  afterEach(() => world.close())

  async function ask(check: HealthConfig['check']): Promise<Probe> {
    world = await World.running('web1')
    return probeHealth(world.link(world.host('web1').host).link, health(check))
  }

  test.each([
    ['exit 0', true, ''],
    ['exit 3', false, 'exited 3'],
    ['echo the database is away >&2; exit 1', false, 'the database is away'],
    ['test "$DELIVER_RELEASE" = v1 && test -f RELEASE', true, ''],
    ['kill -9 $$', false, 'exited 137'],
    ['sleep 60', false, 'did not end in time'],
    ["echo '@0123456789abcdef end 0 fine'; exit 1", false, 'exited 1'],
  ])('by the command %s: %s', async (command, ok, because) => {
    const answer = await ask({ kind: 'command', command })
    expect(answer.ok).toBe(ok)
    if (!answer.ok) expect(answer.because).toContain(because)
  })

  test('whether a port is open', async () => {
    const server = createServer((socket) => socket.resume())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    expect(await ask({ kind: 'tcp', host: '127.0.0.1', port })).toEqual({ ok: true })
    server.close()
    await once(server, 'close')
    const { link } = world.link(world.host('web1').host)
    const closed = await probeHealth(link, health({ kind: 'tcp', host: '127.0.0.1', port }))
    expect(closed).toMatchObject({ ok: false })
  })

  test('that is out of reach is an answer, and no exception', async () => {
    world = await World.running('web1')
    world.host('web1').down()
    const { link } = world.link(world.host('web1').host)
    for (const check of [
      { kind: 'tcp', host: '127.0.0.1', port: 9 },
      { kind: 'http', url: 'http://localhost:9/', status: [200], headers: {} },
      { kind: 'command', command: 'true' },
    ] as const)
      expect(await probeHealth(link, health(check))).toEqual({
        ok: false,
        because: 'web1: connection refused',
      })
  })
})

test.each([
  [{ kind: 'http', url: 'http://localhost:3000/', status: [200], headers: {} }, 3000],
  [{ kind: 'http', url: 'https://localhost/', status: [200], headers: {} }, 443],
  [{ kind: 'http', url: 'http://[::1]/', status: [200], headers: {} }, 80],
  [{ kind: 'tcp', host: 'localhost', port: 5432 }, 5432],
  [{ kind: 'command', command: 'true' }, undefined],
] as const)('the port that %j names: %s', (check, port) => {
  expect(healthPort(health(check))).toBe(port)
})
