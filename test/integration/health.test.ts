import { afterAll, beforeAll, expect, test } from 'vitest'
import { startScenario, type Scenario } from './world.js'

/** Seconds until an unconfirmed host goes back. */
const guard = 15

/** One host, deployed to as root: the guard is then set up with systemd itself. */
let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario({
    hosts: 1,
    user: 'root',
    config: {
      rollout: { strategy: 'rolling', batch: 1, guard: `${guard}s` },
      health: { http: 'http://localhost:3000/health', minUptime: '3s', interval: '200ms', deadline: '12s' },
    },
  })
  const authorized = 'cat /home/deploy/.ssh/authorized_keys >>/root/.ssh/authorized_keys'
  expect((await scenario.host(1).sshAsRoot(authorized)).code).toBe(0)
  const { code, output } = await scenario.ship('v1')
  expect(code, output).toBe(0)
  expect(output).not.toContain('unverified')
})
afterAll(() => scenario?.stop())

test('a release that crashes again and again is known as a crash loop, with the log of this release alone', async () => {
  const { code, output } = await scenario.ship('crashes', { crashAfter: 1_200 })
  expect(code, output).toBe(5)
  expect(output).toMatch(/crash loop: restarted 3 times in \d+ s/)
  expect(output).toContain('crashes listens')
  expect(output).not.toContain('v1 listens')
  expect(await scenario.inspect({ current: 'v1', pointer: 'v1', keep: 9 })).toEqual([])
})

test('an old process that takes the port does not pass for the new release', async () => {
  // It tries until the port is free, which it is as soon as v1 is stopped: the new release never takes it.
  const old = 'systemd-run -q --unit=old --uid=deploy -p WorkingDirectory=/srv/api/releases/v1'
  const tries = '-p Restart=always -p RestartSec=100ms -p StartLimitIntervalSec=0 /usr/bin/node server.js'
  expect((await scenario.host(1).sshAsRoot(`${old} ${tries}`)).code).toBe(0)
  try {
    const { code, output } = await scenario.ship('deaf', { neverListen: true })
    expect([5, 6], output).toContain(code)
    expect(output).toMatch(/the old process answers: pid \d+ \(node\) has the port, and runs v1/)
  } finally {
    await scenario.host(1).sshAsRoot('systemctl stop old; systemctl reset-failed api; systemctl restart api')
  }
  await expect.poll(() => scenario.running(), { timeout: 20_000 }).toEqual(['web1 runs v1'])
})

test('switched, never confirmed, and rebooted: the host goes back by itself', async () => {
  await scenario.publish('abandoned')
  const running = scenario.start('deploy', 'abandoned', '--yes')
  await running.seen(/"state":"settling"/)
  running.process.kill('SIGKILL')
  await running.finished
  await scenario.host(1).powerOff()
  await scenario.host(1).boot()
  const now = await scenario.host(1).sshAsRoot('readlink /srv/api/current; cat /srv/api/.deliver/state')
  expect(now.stdout).toMatch(/^releases\/abandoned\nunconfirmed /)
  await expect
    .poll(() => scenario.running(), { timeout: (guard + 30) * 1_000, interval: 1_000 })
    .toEqual(['web1 runs v1'])
  const expected = { current: 'v1', pointer: 'v1', lockMayBeHeld: true, keep: 9 }
  expect(await scenario.inspect(expected)).toEqual([])
})
