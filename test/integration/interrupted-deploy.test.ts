import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finished } from './rig/deliver.js'
import { everywhere, startScenario, type Scenario } from './world.js'

/** Guards that go back soon, so that a test can wait for one. */
const guard = 12

let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario({
    hosts: 3,
    config: { rollout: { strategy: 'rolling', batch: 1, guard: `${guard}s` } },
  })
  const { code, output } = await scenario.ship('v0')
  expect(code, output).toBe(0)
})
afterAll(() => scenario?.stop())

/** A killed deploy leaves its lock behind until it expires; a person removes it by the id that the message names. */
async function again(...args: readonly string[]): Promise<Finished> {
  const first = await scenario.run(...args)
  if (first.code !== 3) return first
  const id = /deliver unlock ([\w-]+)/.exec(first.output)?.[1]
  expect(id, first.output).toBeDefined()
  expect(await scenario.run('unlock', id ?? '')).toMatchObject({ code: 0 })
  return scenario.run(...args)
}

/** With DELIVER_LONG=1 all of them; e2e/interrupt has them on smaller hosts. */
const long = process.env['DELIVER_LONG'] === '1'

test.each(long ? ['staging', 'activating', 'settling'] : ['settling'])(
  'killed while %s: every host has a whole release, and the same deploy again ends well',
  async (state) => {
    const release = `killed-${state}`
    await scenario.publish(release)
    const traffic = scenario.traffic()
    const running = scenario.start('deploy', release, '--yes')
    await running.seen(new RegExp(`"state":"${state}"`))
    running.process.kill('SIGKILL')
    expect((await running.finished).code).toBe('SIGKILL')
    const wrong = await scenario.inspect({ lockMayBeHeld: true, unfinished: true, keep: 9 })
    // Between a switch and the end of its restart the process is the old one, or none.
    const service = /^web1: api .*(runs in|does not run)/
    expect(wrong.filter((each) => state !== 'activating' || !service.test(each))).toEqual([])
    const { code, output } = await again('deploy', release, '--yes')
    expect(code, output).toBe(0)
    expect((await traffic.stop()).failures).toEqual([])
    expect(await scenario.inspect({ current: release, pointer: release })).toEqual([])
  },
)

test('killed after a switch and never run again: the host goes back by itself', async () => {
  const [before] = await scenario.answers()
  await scenario.publish('abandoned')
  const running = scenario.start('deploy', 'abandoned', '--yes')
  await running.seen(/"state":"settling"/)
  running.process.kill('SIGKILL')
  await running.finished
  const release = typeof before === 'object' ? before.release : 'none'
  await expect
    .poll(() => scenario.running(), { timeout: (guard + 20) * 1000, interval: 1000 })
    .toEqual(everywhere(release))
  expect(
    await scenario.inspect({ current: release, pointer: release, lockMayBeHeld: true, keep: 9 }),
  ).toEqual([])
  expect(await again('deploy', 'abandoned', '--yes')).toMatchObject({ code: 0 })
})

test.each(long ? (['SIGINT', 'SIGTERM'] as const) : (['SIGTERM'] as const))(
  '%s mid-rollout ends in a state that is told and whole',
  async (signal) => {
    const release = `stopped-by-${signal.toLowerCase()}`
    await scenario.publish(release)
    const running = scenario.start('deploy', release, '--yes')
    await running.seen(/"state":"settling"/)
    running.process.kill(signal)
    const { code, output } = await running.finished
    expect(code, output).toBe(signal === 'SIGINT' ? 130 : 143)
    expect(await scenario.inspect({ keep: 9, unfinished: true })).toEqual([])
    expect(await again('deploy', release, '--yes')).toMatchObject({ code: 0 })
    expect(await scenario.inspect({ current: release, pointer: release })).toEqual([])
  },
)

test('a cable pulled after a switch: not a success, no request lost, and the host goes back by itself', async () => {
  await scenario.publish('unplugged')
  const [before] = await scenario.answers()
  const release = typeof before === 'object' ? before.release : 'none'
  const traffic = scenario.traffic()
  const running = scenario.start('deploy', 'unplugged', '--yes')
  await running.seen(/"state":"settling"/)
  await scenario.host(1).cutLink()
  const { code, output } = await running.finished
  await scenario.host(1).restoreLink()
  expect((await traffic.stop()).failures).toEqual([])
  expect([4, 5, 6], output).toContain(code)
  await expect
    .poll(() => scenario.running(), { timeout: (guard + 20) * 1000, interval: 1000 })
    .toEqual(everywhere(release))
  expect(await scenario.inspect({ current: release, pointer: release, keep: 9 })).toEqual([])
})
