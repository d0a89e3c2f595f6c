import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startScenario, type Scenario } from './world.js'

/** What `deliver check` sees of a real host: sudo, the unit, the guard, owners. */
let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario({ hosts: 1 })
})
afterAll(() => scenario?.stop())

/** Plants a fault, checks, and takes it back. */
async function checkedWith(fault: string, back: string): Promise<{ code: unknown; output: string }> {
  const host = scenario.host(1)
  expect(await host.sshAsRoot(fault)).toMatchObject({ code: 0 })
  try {
    return await scenario.run('check')
  } finally {
    await host.sshAsRoot(back)
  }
}

test('a host that was set up as the README says is well but for a guard that ends with a reboot', async () => {
  const before = await scenario.run('check')
  expect(before.code, before.output).toBe(0)
  const shipped = await scenario.ship('v1')
  expect(shipped.code, shipped.output).toBe(0)
  expect(shipped.output.match(/would not be undone after a reboot/g)).toHaveLength(1)
  const { code, output } = await scenario.run('check')
  expect(code, output).toBe(0)
  expect(output).toContain('its unit runs from current')
  expect(output).toContain('sudo loginctl enable-linger deploy')
  expect((await scenario.answers()).map((answer) => typeof answer)).toEqual(['object'])
})

test('a sudo line that is not there or wants a password is a problem, and nothing is restarted to find out', async () => {
  const [before] = await scenario.answers()
  const line = '/etc/sudoers.d/deploy'
  for (const rule of [
    '',
    'deploy ALL=(root) /usr/bin/systemctl restart api',
    'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart other',
    // Some other command without a password lets sudo list this one.
    'deploy ALL=(root) NOPASSWD: /usr/bin/true\\ndeploy ALL=(root) PASSWD: /usr/bin/systemctl restart api',
  ]) {
    const { code, output } = await checkedWith(
      `cp -p ${line} /root/deploy.sudo && printf '${rule}\\n' >${line}`,
      `cp -p /root/deploy.sudo ${line}`,
    )
    expect(code, `${rule}\n${output}`).toBe(8)
    expect(output).toMatch(
      /Add with visudo.*: deploy ALL=\(root\) NOPASSWD: \/usr\/bin\/systemctl restart api/,
    )
  }
  expect(await scenario.answers()).toEqual([before])
})

test.each([
  ['names one release', 's,srv/api/current$,srv/api/releases/v1,', 8, 'starts one release by its name'],
  ['is not enabled', '', 0, 'is not enabled'],
])('a unit that %s is told', async (_, edit, wanted, text) => {
  const unit = '/etc/systemd/system/api.service'
  const fault =
    edit === ''
      ? 'systemctl disable api'
      : `cp -p ${unit} /root/unit && sed -i '${edit}' ${unit} && systemctl daemon-reload`
  const back = edit === '' ? 'systemctl enable api' : `cp -p /root/unit ${unit} && systemctl daemon-reload`
  const { code, output } = await checkedWith(fault, back)
  expect(code, output).toBe(wanted)
  expect(output).toContain(text)
})

test('a unit that is not there, and files of somebody else, are told together', async () => {
  const { code, output } = await checkedWith(
    'mv /etc/systemd/system/api.service /root/unit && systemctl daemon-reload && touch /srv/api/releases/v1/cache.bin',
    'mv /root/unit /etc/systemd/system/api.service && systemctl daemon-reload && rm /srv/api/releases/v1/cache.bin',
  )
  expect(code, output).toBe(8)
  expect(output).toContain('systemd has no unit api')
  expect(output).toContain('releases/v1/cache.bin belongs to uid 0')
})

test('a host whose guard lasts is not warned about', async () => {
  const { code, output } = await checkedWith(
    'loginctl enable-linger deploy',
    'loginctl disable-linger deploy',
  )
  expect(code, output).toBe(0)
  expect(output).toContain('guarded beyond a reboot')
})

/** Puts a line into the configuration of the host's sshd, or none, and waits until it serves again. */
async function configureSshd(line: string): Promise<void> {
  const host = scenario.host(1)
  const rule = '/etc/ssh/sshd_config.d/00-forwarding.conf'
  expect(await host.sshAsRoot(`echo '${line}' >${rule} && systemctl reload ssh`)).toMatchObject({ code: 0 })
  await vi.waitFor(async () => expect(await host.sshAsRoot('true')).toMatchObject({ code: 0 }), 20_000)
}

test('an sshd that lets nothing through is told before a deploy switches anything', async () => {
  const before = await scenario.answers()
  try {
    for (const line of ['DisableForwarding yes', 'PermitOpen 127.0.0.1:1', 'AllowTcpForwarding no']) {
      await configureSshd(line)
      const { code, output } = await scenario.run('check')
      expect(code, `${line}\n${output}`).toBe(8)
      expect(output).toMatch(/its health can't be asked for: no connection to .*: sshd forbids it/)
    }
    const refused = await scenario.ship('v2')
    expect(refused.code, refused.output).toBe(1)
    expect(refused.output).toContain('ask by health.command')
  } finally {
    await configureSshd('')
  }
  expect(await scenario.answers()).toEqual(before)
  // It was never called bad.
  const deployed = await scenario.run('deploy', 'v2')
  expect(deployed.code, deployed.output).toBe(0)
})
