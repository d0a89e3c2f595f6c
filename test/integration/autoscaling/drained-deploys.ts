import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { TargetLife, type LoadBalancer } from '../rig/load-balancers.js'
import { actionsOf, readPolicy } from '../rig/policy.js'
import { ask } from '../rig/traffic.js'
import { startFleetWorld, type FleetWorld } from './world.js'

export interface Words {
  /** How an entry of the change log begins. */
  readonly entry: string
  /** How this balancer calls a server that it finds ill; a pattern. */
  readonly unhealthy: string
}

const long = test.runIf(process.env['DELIVER_LONG'] === '1')

/** Whole deploys that take each batch out of a load balancer, whose health checks ask the real servers. */
export function describeDrainedDeploys(
  open: (endpoint: string) => LoadBalancer,
  { entry, unhealthy }: Words,
): void {
  let world: FleetWorld
  let balancer: LoadBalancer
  let life: TargetLife
  const { drain } = open('http://127.0.0.1:1')

  beforeAll(async () => {
    world = await startFleetWorld(3, { rollout: { batch: 1, drain, drainTimeout: '12s' } })
    balancer = open(world.endpoint)
    await world.publish('v1')
    await world.publish('v2')
    await world.publish('bad', 500)
  })
  afterAll(() => world.stop())
  beforeEach(async () => {
    await world.clear()
    await balancer.create(world.groups)
    life = new TargetLife(balancer, async (id) => typeof (await answerOf(id)) !== 'string')
    world.proxy.before = life.before
    world.proxy.after = life.after
  })

  const all = [1, 2, 3]
  const ids = () => all.map((number) => world.id(number)).sort()
  const answerOf = (id: string) =>
    ask(world.server(all.find((number) => world.id(number) === id) ?? 0).app, '/health')

  /** Servers 1 to 3 in service and in the load balancer, all on v1. */
  async function threeOnV1(): Promise<void> {
    for (const number of all) await world.launch(number)
    const { code, output } = await world.run('deploy', 'v1', '--yes', '--strategy', 'parallel')
    expect(code, output).toBe(0)
    for (const id of ids()) await balancer.register(id)
  }

  /** For each restart: the server, and who serves meanwhile. */
  function watchRestarts(): [string, readonly string[]][] {
    const seen: [string, readonly string[]][] = []
    world.at = async (where) => {
      if (where.startsWith('restart')) seen.push([where, await life.serving()])
    }
    return seen
  }

  /** Starts a deploy of v2 and kills it at such a place. */
  async function killedAt(place: RegExp): Promise<string> {
    const running = world.start('deploy', 'v2', '--yes')
    let number = 0
    world.at = (where) => {
      if (!place.test(where) || number !== 0) return Promise.resolve()
      number = Number(where.slice(-1))
      running.process.kill('SIGKILL')
      return Promise.resolve()
    }
    expect((await running.finished).code).toBe('SIGKILL')
    world.at = () => Promise.resolve()
    return world.id(number)
  }

  const others = (id: string) => ids().filter((each) => each !== id)

  test('each server is drained before it restarts, healthy again before the next one goes', async () => {
    await threeOnV1()
    const seen = watchRestarts()
    world.proxy.calls.length = 0
    const { code, output } = await world.run('deploy', 'v2', '--yes')
    expect(code, output).toBe(0)
    // The policy that deliver prints is what it takes, and no more.
    expect(actionsOf(world.proxy.calls)).toEqual([...readPolicy(await world.run('iam')).actions].sort())
    expect(seen.map(([where]) => where).sort()).toEqual(['restart 1', 'restart 2', 'restart 3'])
    for (const [where, serving] of seen) expect(serving).toEqual(others(world.id(Number(where.slice(-1)))))
    expect(await balancer.registered()).toEqual(ids())
    expect(await world.inspect(all, { current: 'v2', pointer: 'v2' })).toEqual([])
  })

  test('a release that fails goes back while its server is out, and all are registered again', async () => {
    await threeOnV1()
    const seen = watchRestarts()
    const { code, output } = await world.run('deploy', 'bad', '--yes')
    expect(code, output).toBe(5)
    expect(seen.length).toBeGreaterThanOrEqual(2)
    for (const [where, serving] of seen) expect(serving).toEqual(others(world.id(Number(where.slice(-1)))))
    expect(await balancer.registered()).toEqual(ids())
    expect(await world.inspect(all, { current: 'v1', pointer: 'v1' })).toEqual([])
  })

  test('a deploy that is killed leaves a server out; the next one registers it first', async () => {
    await threeOnV1()
    const out = await killedAt(/^restart/)
    expect(await balancer.registered()).toEqual(others(out))
    const { code, output } = await world.run('deploy', 'v2', '--yes', '--lock-wait', '2m')
    expect(code, output).toBe(0)
    expect(output).toMatch(new RegExp(`undoing what an earlier run left: ${entry}.* ${out}`))
    expect(await balancer.registered()).toEqual(ids())
    expect(await world.inspect(all, { current: 'v2', pointer: 'v2' })).toEqual([])
  })

  long(
    'what a killed deploy left is found by check, and registered by check --fix without a deploy',
    async () => {
      await threeOnV1()
      const out = await killedAt(/^restart/)
      const found = await world.run('check')
      expect(found.code, found.output).toBe(8)
      expect(found.output).toMatch(new RegExp(`problem +lock .* left undone: ${entry}.* ${out}`))
      expect(await balancer.registered()).toEqual(others(out))
      const fixed = await world.run('check', '--fix')
      expect(fixed.output).toMatch(/undoing what an earlier run left/)
      expect(fixed.output).not.toMatch(/left undone/)
      expect(await balancer.registered()).toEqual(ids())
    },
  )

  long(
    'a server that the balancer never finds healthy on the new release: named, rolled back, in service again',
    async () => {
      await threeOnV1()
      life.isWell = async (id) => {
        const answer = await answerOf(id)
        return typeof answer !== 'string' && answer.release !== 'v2'
      }
      const seen = watchRestarts()
      const { code, output } = await world.run('deploy', 'v2', '--yes')
      expect(code, output).toBe(5)
      const ill = world.id(Number(seen[0]?.[0].slice(-1)))
      expect(output).toMatch(
        new RegExp(`still out of traffic .*${ill}.* in api is ${unhealthy}.* after 12 s`),
      )
      // Also on its way back it is out while it restarts.
      expect(seen).toHaveLength(2)
      for (const [, serving] of seen) expect(serving).toEqual(others(ill))
      expect(await balancer.registered()).toEqual(ids())
      expect(await world.inspect(all, { current: 'v1', pointer: 'v1' })).toEqual([])
    },
  )

  // Three deploys, two of which wait for their deadline.
  long(
    'one that the balancer finds ill whatever it runs: 6, and known to check until it is well',
    { timeout: 400_000 },
    async () => {
      await threeOnV1()
      let ill = ''
      life.isWell = (id) => Promise.resolve(id !== ill)
      world.at = (where) => {
        if (ill === '' && where.startsWith('restart')) ill = world.id(Number(where.slice(-1)))
        return Promise.resolve()
      }
      const { code, output } = await world.run('deploy', 'v2', '--yes')
      expect(code, output).toBe(6)
      expect(output).toMatch(new RegExp(`${ill}.* is ${unhealthy}.* after 12 s`))
      expect(await balancer.registered()).toEqual(ids())
      expect(await world.inspect(all, { current: 'v1', pointer: 'v1' })).toEqual([])
      expect((await world.run('check')).output).toMatch(new RegExp(`left undone: ${entry}.* ${ill}`))
      world.at = () => Promise.resolve()
      ill = ''
      const next = await world.run('deploy', 'v2', '--yes')
      expect(next.code, next.output).toBe(0)
      expect((await world.run('check')).output).not.toContain('left undone')
    },
  )
}
