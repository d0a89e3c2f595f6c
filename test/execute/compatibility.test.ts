import { afterEach, expect, test } from 'vitest'
import { HostLink } from '../../src/execute/link.js'
import { activateHost } from '../../src/execute/switch.js'
import type { Answer } from '../../src/remote/answers.js'
import type { AgentCall } from '../../src/remote/wire.js'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

const oldestIs = (mark: string) => ({ published: ['v1', 'v2'], oldest: new Map([['v2', mark]]) })

test('a host whose previous release is older than the mark stays where it is, and says why', async () => {
  world = await World.running('web1', 'web2', 'web3')
  world.host('web2').put('sick-v2')
  const deployed = await world.deploy('v2', { compatibility: oldestIs('v2') })
  expect(deployed.code).toBe(4)
  expect(world.runs).toEqual(['v2', 'v2', 'v1'])
  expect(deployed.ends.map((end) => end.split(' ').slice(0, 2).join(' '))).toEqual([
    'web1 done',
    'web2 failed',
    'web3 skipped',
  ])
  expect(deployed.why.join('\n')).toContain('v2 may be rolled back to v2 at the oldest, and v1 is older')
  expect(world.restarts()).toEqual([['v2'], ['v2'], []])
})

/** Hears what a host is asked, and answers that all is well. */
class Ear extends HostLink {
  readonly heard: AgentCall[] = []

  override call(call: AgentCall): Promise<Answer> {
    this.heard.push(call)
    return Promise.resolve({ kind: 'answer', code: 0, text: '', facts: [], log: '' })
  }
}

test.each([
  [true, '90'],
  [false, '0'],
])('a guard stands only where a host may go back: %s', async (mayGoBack, guard) => {
  world = new World('web1')
  const { host } = world.host('web1')
  const link = new Ear({ host, transport: world.hosts.transport, path: 'app' })
  const target = { release: 'v2', digest: 'd', mayGoBack }
  await activateHost(world.run({ rollout: { guard: 90_000 } }), { name: 'web1', link }, target)
  expect(link.heard.map(({ args }) => new Map(args).get('guard'))).toEqual([guard])
})

test('a previous release that the mark allows is gone back to as ever', async () => {
  world = await World.running('web1', 'web2')
  world.host('web2').put('sick-v2')
  const deployed = await world.deploy('v2', { compatibility: oldestIs('v1') })
  expect(deployed.code).toBe(5)
  expect(world.runs).toEqual(['v1', 'v1'])
})
