import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startScenario, type Scenario } from '../world.js'

/** With DELIVER_LONG=1: what other scenarios show, through the system's ssh. DELIVER_SSH_CLIENT=openssh runs them all that way. */
describe.runIf(process.env['DELIVER_LONG'] === '1')("through the system's ssh", () => {
  let scenario: Scenario
  beforeAll(async () => {
    scenario = await startScenario({ hosts: 2, sshClient: 'openssh' })
  })
  afterAll(() => scenario?.stop())

  const running = (release: string) => ['web1', 'web2'].map((host) => `${host} runs ${release}`)

  test('releases arrive, one that is not healthy goes back', async () => {
    const { code, output } = await scenario.ship('v1')
    expect(code, output).toBe(0)
    expect(await scenario.running()).toEqual(running('v1'))
    const bad = await scenario.ship('v2', { status: 500 })
    expect(bad.code, bad.output).toBe(5)
    expect(await scenario.running()).toEqual(running('v1'))
    expect(await scenario.inspect({ current: 'v1', pointer: 'v1' })).toEqual([])
  })
})
