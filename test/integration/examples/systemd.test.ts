import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../docs/pages.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { mustRun } from '../rig/command.js'
import { deliver } from '../rig/deliver.js'
import { startHosts, type HostRig } from '../rig/systemd-hosts.js'

/** examples/systemd on a host that has nothing of it but a user to log in as: host.sh, the unit, the config. */
const example = join(root, 'examples/systemd')
let rig: HostRig
let checkout: string
beforeAll(async () => {
  rig = await startHosts(1, { sudo: 'none', journalReadable: false })
  const scratch = await scratchDirectory()
  checkout = join(scratch, 'api')
  cpSync(example, checkout, { recursive: true })
  for (const [file, text] of Object.entries(files(scratch))) writeFileSync(join(checkout, file), text)
  const git = (...args: readonly string[]) => mustRun('git', ['-C', checkout, ...args])
  await git('init', '-q')
  await git('add', '-A')
  await git('-c', 'user.name=dev', '-c', 'user.email=dev@localhost', 'commit', '-qm', 'Say hello')
})
afterAll(() => rig?.stop())

function files(scratch: string): Readonly<Record<string, string>> {
  const [host] = rig.hosts
  const here = {
    store: { directory: join(scratch, 'store') },
    fleet: { hosts: [{ name: 'web1', host: host?.address }] },
    ssh: { user: 'deploy', identityFile: rig.identityFile, knownHosts: rig.knownHostsFile, config: false },
    build: { setup: 'true' },
  }
  return {
    'server.js': `require('http').createServer((_, response) => response.end('hello')).listen(process.env.PORT)\n`,
    'package.json': '{ "name": "api", "private": true }\n',
    'deliver.here.ts': `import example from './deliver.config.ts'\nexport default { ...example, ...${JSON.stringify(here)} }\n`,
  }
}

const run = (...args: readonly string[]) =>
  deliver(['--plain', '-c', 'deliver.here.ts', ...args], { cwd: checkout })

test('host.sh makes it ready, twice as well as once, and check finds nothing to say', async () => {
  const [host] = rig.hosts
  if (host === undefined) throw new Error('there is no host')
  const base =
    'systemctl disable --now api; rm -f /etc/systemd/system/api.service /etc/sudoers.d/*; mkdir -p /root/example'
  expect(await host.sshAsRoot(base)).toMatchObject({ code: 0 })
  const before = await run('check')
  expect(before.code, before.output).toBe(8)
  for (const file of ['host.sh', 'api.service'])
    await host.sshAsRoot(`cat >/root/example/${file}`, { input: readFileSync(join(example, file)) })
  for (const time of ['once', 'twice']) {
    const { code, stderr } = await host.sshAsRoot('sh /root/example/host.sh')
    expect(code, `${time}: ${stderr}`).toBe(0)
  }
  const { code, output } = await run('check')
  expect(code, output).toBe(0)
  expect(output).toContain('all is well')
})

test('and a deploy is one that lasts', async () => {
  const { code, output } = await run('ship', '--tag', 'v1')
  expect(code, output).toBe(0)
  expect(output).not.toContain('warning')
  expect((await run('status')).output).toMatch(/web1 +v1 +healthy +active/)
  expect((await run('logs', '-n', '5')).code).toBe(0)
})
