import { afterAll, beforeAll, expect, test } from 'vitest'
import { everywhere, startScenario, type Scenario } from './world.js'

/** The life of an app on three hosts; each test goes on where the one before ended. */
let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario({ hosts: 3 })
})
afterAll(() => scenario?.stop())

test('the first deploy brings a release to every host', async () => {
  const { code, output } = await scenario.ship('v1')
  expect(code, output).toBe(0)
  expect(await scenario.running()).toEqual(everywhere('v1'))
  expect(await scenario.inspect({ current: 'v1', pointer: 'v1' })).toEqual([])
})

test('a rolling deploy under constant requests loses none', async () => {
  const traffic = scenario.traffic()
  const { code, output } = await scenario.ship('v2')
  const report = await traffic.stop()
  expect(code, output).toBe(0)
  expect(report.failures).toEqual([])
  expect([...report.releases.keys()].sort()).toEqual(['v1', 'v2'])
  expect([...report.hosts.keys()].sort()).toEqual(['web1', 'web2', 'web3'])
  expect(report.requests).toBeGreaterThan(100)
  expect(await scenario.running()).toEqual(everywhere('v2'))
  expect(await scenario.inspect({ current: 'v2', pointer: 'v2' })).toEqual([])
})

test('the same deploy again restarts nothing', async () => {
  const before = await scenario.answers()
  const { code, output } = await scenario.run('deploy', 'v2', '--yes')
  expect(code, output).toBe(0)
  expect(await scenario.answers()).toEqual(before)
  expect(await scenario.inspect({ current: 'v2', pointer: 'v2' })).toEqual([])
})

test('a dry run changes nothing', async () => {
  await scenario.publish('v3')
  const before = await scenario.answers()
  const { code, output } = await scenario.run('deploy', 'v3', '--dry-run')
  expect(code, output).toBe(0)
  expect(output).toContain('v3')
  expect(await scenario.answers()).toEqual(before)
  expect((await scenario.host(1).ssh('ls /srv/api/releases')).stdout).toBe('v1\nv2\n')
})

test('the release that was only published is deployed by name, and status says where it runs', async () => {
  expect(await scenario.run('deploy', 'v3', '--yes')).toMatchObject({ code: 0 })
  expect(await scenario.running()).toEqual(everywhere('v3'))
  const { code, stdout } = await scenario.run('status')
  expect(code).toBe(0)
  for (const host of ['web1', 'web2', 'web3']) expect(stdout).toMatch(new RegExp(`${host}.*v3`))
})

test('no more releases than target.keep stay, the current and the last good one among them', async () => {
  expect(await scenario.ship('v4')).toMatchObject({ code: 0 })
  expect(await scenario.ship('v5')).toMatchObject({ code: 0 })
  expect(await scenario.inspect({ current: 'v5', pointer: 'v5', keep: 3 })).toEqual([])
  for (const host of scenario.hosts)
    expect((await host.ssh('ls /srv/api/releases')).stdout).toBe('v3\nv4\nv5\n')
})

test('a host that boots starts what it ran', async () => {
  await scenario.host(2).powerOff()
  await scenario.host(2).boot()
  await expect.poll(() => scenario.running(), { timeout: 20_000 }).toEqual(everywhere('v5'))
  expect(await scenario.inspect({ current: 'v5', pointer: 'v5' })).toEqual([])
})

test('rollback goes to what ran before, and the pointer follows', async () => {
  const traffic = scenario.traffic()
  const { code, output } = await scenario.run('rollback', '--yes')
  expect((await traffic.stop()).failures).toEqual([])
  expect(code, output).toBe(0)
  expect(await scenario.running()).toEqual(everywhere('v4'))
  expect(await scenario.inspect({ current: 'v4', pointer: 'v4' })).toEqual([])
})

test('a rollback that is repeated looks at the hosts, and starts what is down', async () => {
  const started = (number: number) =>
    scenario.host(number).sshAsRoot('systemctl show -P ExecMainStartTimestampMonotonic api')
  const before = await Promise.all([started(1), started(2)])
  await scenario.host(2).sshAsRoot('systemctl stop api')
  const { code, output } = await scenario.run('rollback', '--yes')
  expect(code, output).toBe(0)
  expect(await scenario.running()).toEqual(everywhere('v4'))
  expect(await scenario.inspect({ current: 'v4', pointer: 'v4' })).toEqual([])
  expect((await started(1)).stdout).toBe(before[0]?.stdout)
  expect((await started(2)).stdout).not.toBe(before[1]?.stdout)
})

test('a release that no host has any more comes back from the store', async () => {
  const { code, output } = await scenario.run('rollback', 'v1', '--yes')
  expect(code, output).toBe(0)
  expect(await scenario.running()).toEqual(everywhere('v1'))
  expect(await scenario.inspect({ current: 'v1', pointer: 'v1', keep: 4 })).toEqual([])
})

test('a host that lost a release gets it again, the others use theirs', async () => {
  expect(await scenario.run('deploy', 'v5', '--yes')).toMatchObject({ code: 0 })
  await scenario.host(2).sshAsRoot('rm -rf /srv/api/releases/v1 /srv/api/.deliver/manifests/v1')
  const { code, output } = await scenario.run('rollback', 'v1', '--yes')
  expect(code, output).toBe(0)
  expect(await scenario.running()).toEqual(everywhere('v1'))
  expect(await scenario.inspect({ current: 'v1', pointer: 'v1' })).toEqual([])
})

test('what shall be shared survives every deploy', async () => {
  await scenario.host(1).ssh('echo kept > /srv/api/current/log/file')
  expect(await scenario.run('deploy', 'v5', '--yes')).toMatchObject({ code: 0 })
  expect((await scenario.host(1).ssh('cat /srv/api/current/log/file')).stdout).toBe('kept\n')
})
