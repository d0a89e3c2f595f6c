import { afterAll, beforeAll, expect, test } from 'vitest'
import { differences, localShell, readTree } from './rig/tree.js'
import { startScenario, type Scenario } from './world.js'

/** Over 16 000 files of real packages, with names, modes and links that careless tools lose. */
let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario({ hosts: 3, size: 'large' })
})
afterAll(() => scenario?.stop())

test('what setup built is what runs, byte for byte, on every host', async () => {
  const { code, output } = await scenario.ship('v1')
  expect(code, output).toBe(0)
  const built = await readTree(localShell, `${scenario.app.directory}/node_modules`)
  expect(built.size).toBeGreaterThan(10_000)
  for (const host of scenario.hosts) {
    const arrived = await readTree((line, how) => host.ssh(line, how), '/srv/api/current/node_modules')
    expect(differences(built, arrived)).toEqual([])
  }
  expect((await scenario.host(1).ssh('/srv/api/current/node_modules/odd/link')).stdout).toBe('tool\n')
  expect(await scenario.inspect({ current: 'v1', pointer: 'v1' })).toEqual([])
})

test('nothing on a host is writable by others, or foreign', async () => {
  const line = String.raw`find /srv/api \( ! -user deploy -o \( ! -type l -perm /022 \) \) -print`
  for (const host of scenario.hosts) expect((await host.sshAsRoot(line)).stdout).toBe('')
})

test('a change of one file goes out under constant requests', async () => {
  const traffic = scenario.traffic()
  const { code, output } = await scenario.ship('v2')
  const report = await traffic.stop()
  expect(code, output).toBe(0)
  expect(report.failures).toEqual([])
  expect(await scenario.inspect({ current: 'v2', pointer: 'v2' })).toEqual([])
})

test('a file changed on a host reaches no later release', async () => {
  await scenario.host(2).ssh('echo tampered >> /srv/api/releases/v2/node_modules/lodash/lodash.js')
  expect(await scenario.ship('v3')).toMatchObject({ code: 0 })
  // v1 has the same file, by a link; the new release has its own.
  expect(await scenario.inspect({ current: 'v3', pointer: 'v3' })).toEqual(
    ['v1', 'v2'].map((release): unknown =>
      expect.stringMatching(
        new RegExp(`^web2: release ${release} is not its archive: "node_modules/lodash/lodash.js"`),
      ),
    ),
  )
})
