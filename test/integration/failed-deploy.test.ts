import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everywhere, startScenario, type Scenario } from './world.js'

/** Longer than the app that crashes late lives. */
const health = {
  http: 'http://localhost:3000/health',
  successes: 2,
  minUptime: '3s',
  interval: '200ms',
  deadline: '9s',
}

/** With DELIVER_LONG=1: what other tests show on smaller rigs. */
const more = [
  { release: 'crash-soon', behaviour: { crashAfter: 300 } },
  { release: 'status-500', behaviour: { status: 500 } },
  { release: 'starts-too-late', behaviour: { startDelay: 60_000 } },
  { release: 'redirects', behaviour: { redirect: '/' } },
]

describe('with a release that runs on three hosts behind a balancer', () => {
  let scenario: Scenario
  beforeAll(async () => {
    scenario = await startScenario({ hosts: 3, balancer: true, config: { health } })
    const { code, output } = await scenario.ship('good')
    expect(code, output).toBe(0)
  })
  afterAll(() => scenario?.stop())

  async function expectUnchanged(before: Awaited<ReturnType<Scenario['answers']>>, onlyFirst: boolean) {
    const now = await scenario.answers()
    // The first batch may have been restarted; nothing later was ever touched.
    expect(now.slice(onlyFirst ? 1 : 0)).toEqual(before.slice(onlyFirst ? 1 : 0))
    expect(now[0]).toMatchObject({ release: 'good', host: 'web1' })
    expect(await scenario.inspect({ current: 'good', pointer: 'good', keep: 99 })).toEqual([])
  }

  test.each([
    { release: 'crash-at-start', behaviour: { crashAtStart: true } },
    { release: 'crash-later', behaviour: { crashAfter: 2_500 } },
    { release: 'never-answers', behaviour: { neverAnswer: true } },
    { release: 'flaps', behaviour: { flap: true } },
    ...(process.env['DELIVER_LONG'] === '1' ? more : []),
  ])(
    '$release ends with 5, everything on the old release and no request lost',
    async ({ release, behaviour }) => {
      const before = await scenario.answers()
      const traffic = scenario.traffic()
      const sampler = scenario.sampler()
      const { code, output } = await scenario.ship(release, behaviour)
      const report = await traffic.stop()
      const { samples, wrong } = await sampler.stop()
      expect(code, output).toBe(5)
      expect(samples).toBeGreaterThan(20)
      expect(wrong).toEqual([])
      expect(output).toContain('web1')
      if (release === 'crash-at-start') expect(output).toContain("can't start: the knob says so")
      await expectUnchanged(before, true)
      // What answers / answers it from any process; a broken release that only fails /health may have served some.
      expect(report.failures).toEqual([])
    },
  )

  test('a good release that starts slowly, batch after batch: no request lost, never more than one host out', async () => {
    const traffic = scenario.traffic()
    const sampler = scenario.sampler()
    const { code, output } = await scenario.ship('slow-start', { startDelay: 2_000 })
    const report = await traffic.stop()
    expect(code, output).toBe(0)
    expect((await sampler.stop()).wrong).toEqual([])
    expect(report.failures).toEqual([])
    expect(report.requests).toBeGreaterThan(200)
    expect(await scenario.running()).toEqual(everywhere('slow-start'))
    expect(await scenario.run('rollback', '--yes')).toMatchObject({ code: 0 })
    expect(await scenario.running()).toEqual(everywhere('good'))
  })

  test('one host down: 1, and nothing is switched anywhere', async () => {
    await scenario.publish('later')
    const before = await scenario.answers()
    await scenario.host(3).powerOff()
    const { code, output } = await scenario.run('deploy', 'later', '--yes')
    await scenario.host(3).boot()
    expect(code, output).toBe(1)
    expect(output).toContain('web3')
    await expect
      .poll(async () => (await scenario.answers())[2], { timeout: 20_000 })
      .toMatchObject({ release: 'good' })
    expect((await scenario.answers()).slice(0, 2)).toEqual(before.slice(0, 2))
    expect(await scenario.inspect({ current: 'good', pointer: 'good', keep: 99 })).toEqual([])
  })

  test('two deploys at once: exactly one goes on, the other says 3 and who has the lock', async () => {
    const both = await Promise.all([
      scenario.run('deploy', 'later', '--yes'),
      scenario.run('deploy', 'later', '--yes'),
    ])
    const codes = both.map(({ code }) => code).sort()
    expect(codes, both.map(({ output }) => output).join('\n---\n')).toEqual([0, 3])
    // What the failed deploys before left on the hosts goes with the first that succeeds.
    expect(await scenario.inspect({ current: 'later', pointer: 'later' })).toEqual([])
  })

  test('no such release, no such host, no such option: a code of its own each, and nothing moves', async () => {
    const before = await scenario.answers()
    expect(await scenario.run('deploy', 'never-built', '--yes')).toMatchObject({ code: 8 })
    expect(await scenario.run('deploy', 'good', '--hosts', 'web9', '--yes')).toMatchObject({ code: 7 })
    expect(await scenario.run('deploy', 'good', '--fast')).toMatchObject({ code: 2 })
    expect(await scenario.answers()).toEqual(before)
  })
})

test('without the sudo line the deploy fails and says which line is missing', async () => {
  const scenario = await startScenario({ hosts: 1, hostOptions: () => ({ sudo: 'none' }) })
  try {
    const { code, output } = await scenario.ship('v1')
    expect([1, 8], output).toContain(code)
    expect(output).toContain('deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart api')
    expect(await scenario.inspect({ current: null, pointer: null })).toEqual([])
  } finally {
    await scenario.stop()
  }
})

test('a host without room fails the deploy before any host is switched', async () => {
  const scenario = await startScenario({
    hosts: 2,
    hostOptions: (number) => (number === 2 ? { diskSize: '1m' } : {}),
  })
  try {
    const { code, output } = await scenario.ship('v1')
    expect(code, output).toBe(1)
    expect(output).toMatch(/web2.*disk full/is)
    expect(await scenario.inspect({ current: null, pointer: null })).toEqual([])
  } finally {
    await scenario.stop()
  }
})
