import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serviceNow } from '../../src/execute/service-now.js'
import type { Config } from '../../src/config/types.js'
import type { HostLink } from '../../src/execute/link.js'
import type { ServiceFacts } from '../../src/remote/facts.js'
import { configWith, World } from './world.js'

let world: World
let link: HostLink
const never = new AbortController().signal

beforeAll(async () => {
  world = await World.running('web1')
  link = world.link(world.host('web1').host).link
}, 60_000)
afterAll(async () => {
  await link.close()
  await world.close()
})

const look = (facts: ServiceFacts, runs: string | null, config: Config = configWith()) =>
  serviceNow(link, config, { facts, runs }, never)

describe('what a service is like now', () => {
  test('healthy, with what the host told', async () => {
    expect(await look({ active: true, state: 'active', uptime: 7 }, 'v1')).toEqual({
      health: 'healthy',
      state: 'active',
      uptime: 7,
    })
  })

  test.each<[string, ServiceFacts, string]>([
    ['is not running', { active: false, state: 'failed' }, 'the service is failed'],
    ['runs another release than current names', { active: true, release: 'v0' }, 'v0'],
    ['has a port that another process answers on', { listener: { pid: 7, release: 'v0' } }, 'pid 7'],
  ])('unhealthy, when it %s', async (_, facts, says) => {
    const now = await look(facts, 'v1')
    expect(now.health).toBe('unhealthy')
    expect(now.because).toContain(says)
  })

  test('unhealthy, when the check says so', async () => {
    world.host('web1').put('sick-v1')
    expect(await look({}, 'v1')).toMatchObject({ health: 'unhealthy' })
    world.host('web1').remove('sick-v1')
    expect(await look({}, 'v1')).toMatchObject({ health: 'healthy' })
  })

  test('unchecked, where nothing runs or nothing is asked', async () => {
    expect(await look({ active: false }, null)).toEqual({ health: 'unchecked' })
    const { health: _, ...config } = configWith()
    expect(_).toBeDefined()
    expect(await look({ active: true }, 'v1', config)).toEqual({ health: 'unchecked' })
  })
})
