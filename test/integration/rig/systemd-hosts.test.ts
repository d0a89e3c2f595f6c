import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { command } from './command.js'
import { startHosts, type HostRig } from './systemd-hosts.js'

let rig: HostRig
beforeAll(async () => {
  rig = await startHosts(2, (number) => (number === 2 ? { journalReadable: false, sudo: 'none' } : {}))
})
afterAll(() => rig.stop())

function host(number: number) {
  const found = rig.hosts[number - 1]
  if (found === undefined) throw new Error(`no host ${number}`)
  return found
}

test('a host knows its own name and runs as a whole system', async () => {
  const { stdout } = await host(1).ssh(
    'hostname; getent hosts web1; id -un; systemctl is-system-running --wait',
  )
  expect(stdout.split('\n')).toEqual(['web1', '127.0.1.1       web1', 'deploy', 'running', ''])
})

test('sudo allows the one line, and nothing beside it', async () => {
  const allowed = await host(1).ssh('sudo -n systemctl restart api')
  expect(allowed).toMatchObject({ code: 0, stderr: '' })
  for (const line of ['systemctl stop api', 'systemctl restart ssh', 'true', 'systemctl restart api ssh'])
    expect((await host(1).ssh(`sudo -n ${line}`)).code, line).not.toBe(0)
  expect((await host(2).ssh('sudo -n systemctl restart api')).code).not.toBe(0)
})

test('the journal is readable where the option says so', async () => {
  expect((await host(1).ssh('journalctl -q -n 1 -u ssh')).stdout).not.toBe('')
  expect((await host(2).ssh('journalctl -q -n 1 -u ssh')).stdout).toBe('')
})

test('the app has a real file system of its own', async () => {
  const { stdout } = await host(1).ssh('stat -c "%U %a" /srv/api; stat -f -c %T /srv/api /')
  const [owner, own, root] = stdout.split('\n')
  expect(owner).toBe('deploy 755')
  expect(root).toContain('overlay')
  expect(own).not.toContain('overlay')
})

test('a cut link swallows packets and heals', async () => {
  await host(2).cutLink()
  expect((await host(2).ssh('true')).code).toBe(255)
  await host(2).restoreLink()
  expect((await host(2).ssh('true')).code).toBe(0)
})

test('a frozen host takes connections but says nothing', async () => {
  await host(2).freeze()
  const asked = await host(2).ssh('true', { timeout: 8_000 })
  expect(asked.code).not.toBe(0)
  await host(2).thaw()
  expect((await host(2).ssh('true')).code).toBe(0)
})

test('a host comes back from a power cut with its disk', async () => {
  await host(2).ssh('echo kept > /srv/api/file; echo kept > ~/file; sync')
  await host(2).powerOff()
  expect((await host(2).ssh('true')).code).toBe(255)
  await host(2).boot()
  expect((await host(2).ssh('cat /srv/api/file ~/file')).stdout).toBe('kept\nkept\n')
})

test('hosts share no control group: a unit of one is none of the units of the same name', async () => {
  const groups = await Promise.all(
    rig.hosts.map(async (each) => {
      const pid = (await readFile(`${each.path('/')}/../nspawn.pid`, 'utf8')).match(/\d+/)?.[0] ?? ''
      return (await readFile(`/proc/${pid}/cgroup`, 'utf8')).match(/dlv\d+-\d+/g) ?? []
    }),
  )
  expect(groups[0]?.length).toBeGreaterThan(0)
  expect(groups[0]).not.toEqual(groups[1])
})

/** Processes, cables and control groups of a rig. A container that outlived its nspawn shows by its cable alone. */
async function remainsOf(bridge: string): Promise<readonly string[]> {
  const processes = (await command('pgrep', ['-af', `/rigs/${bridge}/`])).stdout.split('\n')
  const cables = (await readdir('/sys/class/net')).filter((name) => name.startsWith(`vb-${bridge}-`))
  const groups = (await command('find', ['/sys/fs/cgroup', '-name', `${bridge}-*`])).stdout.split('\n')
  return [...processes, ...cables, ...groups].filter((line) => line !== '')
}

test('two rigs live side by side, and a stopped one leaves nothing', async () => {
  const other = await startHosts(1)
  const [only] = other.hosts
  expect((await only?.ssh('hostname'))?.stdout).toBe('web1\n')
  expect(only?.address).not.toBe(host(1).address)
  const bridge = `dlv${only?.address.split('.')[2] ?? ''}`
  await other.stop()
  await other.stop()
  expect(existsSync(`/sys/class/net/${bridge}`)).toBe(false)
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(`/rigs/${bridge}/`)
  expect(await remainsOf(bridge)).toEqual([])
  expect((await host(1).ssh('true')).code).toBe(0)
})

test('what a killed run left is taken back by the next', async () => {
  const program = fileURLToPath(new URL('leave-a-rig.ts', import.meta.url))
  const jiti = fileURLToPath(new URL('../../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url))
  // The program kills itself once its host is up: nothing of it can clean up.
  const left = await command(process.execPath, [jiti, program])
  const bridge = left.stdout.trim()
  expect(bridge).toMatch(/^dlv\d+$/)
  expect(existsSync(`/sys/class/net/${bridge}`)).toBe(true)
  await (await startHosts(1)).stop()
  expect(existsSync(`/sys/class/net/${bridge}`)).toBe(false)
  expect(await remainsOf(bridge)).toEqual([])
  expect((await host(1).ssh('true')).code).toBe(0)
})
