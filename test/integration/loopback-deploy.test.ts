import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp, type App } from '../fixtures/app.js'
import { inspectWorld, type World } from './inspect.js'
import { deliver } from './rig/deliver.js'
import { startLoopbackHosts, type LoopbackRig } from './rig/loopback-hosts.js'
import { ask } from './rig/traffic.js'
import { localShell } from './rig/tree.js'

/** Hosts without a service manager: OpenSSH, a path in the home, a restart command and a health command. */
/** The library connects in all other scenarios; with DELIVER_LONG=1 here, too. */
const clients = process.env['DELIVER_LONG'] === '1' ? (['openssh', 'ssh2'] as const) : (['openssh'] as const)

describe.each(clients)('through %s', (client) => {
  let rig: LoopbackRig
  let app: App
  let scratch: string
  let world: World

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'loopback-scenario-'))
    rig = await startLoopbackHosts(3)
    app = await createApp(join(scratch, 'app'), 'small')
    const store = { directory: join(scratch, 'store'), app: 'shop', environment: 'staging' }
    await mkdir(store.directory)
    await app.writeConfig({
      app: store.app,
      environment: store.environment,
      build: { setup: './app setup', deps: ['node_modules'] },
      archive: { format: 'tar.gz' },
      store: { directory: store.directory },
      fleet: { hosts: rig.hosts.map(({ name, address, port }) => ({ name, host: address, port })) },
      ssh: {
        user: 'root',
        identityFile: rig.identityFile,
        knownHosts: rig.knownHostsFile,
        config: false,
        agent: false,
        client,
      },
      target: { path: 'app', keep: 2 },
      service: { restart: '"$HOME"/service restart', stop: '"$HOME"/service stop' },
      rollout: { strategy: 'rolling', batch: '34%' },
      health: {
        command: '"$HOME"/healthy',
        successes: 2,
        minUptime: '0s',
        interval: '200ms',
        deadline: '8s',
      },
    })
    const hosts = rig.hosts.map(({ name, home }) => ({ name, targetPath: `${home}/app`, shell: localShell }))
    world = { hosts, store }
  })
  afterAll(async () => {
    await rig.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  const run = (...args: readonly string[]) =>
    deliver(['--plain', ...args, '--yes'], { cwd: app.directory, env: app.env })

  async function expectEverywhere(release: string, keep = 2) {
    const answers = await Promise.all(rig.hosts.map((host) => ask(host.app, '/health')))
    expect(answers.map((answer) => (typeof answer === 'string' ? answer : answer.release))).toEqual([
      release,
      release,
      release,
    ])
    expect(await inspectWorld(world, { current: release, pointer: release, keep })).toEqual([])
  }

  test.each(['v1', 'v2', 'v3'])('%s arrives on every host, and two releases are kept', async (release) => {
    await app.change(release)
    const { code, output } = await run('ship', '--tag', release)
    expect(code, output).toBe(0)
    await expectEverywhere(release)
  })

  test('a release that fails its health command ends with 5, and everything runs as before', async () => {
    await app.change('broken', { status: 500 })
    const { code, output } = await run('ship', '--tag', 'broken')
    expect(code, output).toBe(5)
    const answers = await Promise.all(rig.hosts.map((host) => ask(host.app, '/health')))
    for (const answer of answers) expect(answer).toMatchObject({ release: 'v3' })
    expect(await inspectWorld(world, { current: 'v3', pointer: 'v3' })).toEqual([])
  })

  test('rollback', async () => {
    const { code, output } = await run('rollback')
    expect(code, output).toBe(0)
    await expectEverywhere('v2', 3)
  })

  test('a host whose sshd is gone stops a deploy before it switches anything', async () => {
    await app.change('v4')
    await rig.hosts[1]?.sshd.stop()
    const { code, output } = await run('ship', '--tag', 'v4')
    await rig.hosts[1]?.sshd.resume()
    expect(code, output).toBe(1)
    expect(output).toContain('loop2')
    await expect.poll(() => inspectWorld(world, { current: 'v2', pointer: 'v2' })).toEqual([])
  })
})
