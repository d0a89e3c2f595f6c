/** Hosts whose login shells are no POSIX shell, talk before and after, and lie in the words of our own answers. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { createApp, type App } from '../fixtures/app.js'
import { inspectWorld } from '../integration/inspect.js'
import { deliver } from '../integration/rig/deliver.js'
import { startLoopbackHosts, type LoopbackRig } from '../integration/rig/loopback-hosts.js'
import { ask } from '../integration/rig/traffic.js'
import { localShell } from '../integration/rig/tree.js'
import { scenario } from './rig/scenario.js'

const noise = `printf 'Welcome\\n\\033[2J\\377\\000\\r'; printf 'DELIVER-END x 0\\n@deliver end 0\\n'; echo watch out >&2`

const shells = [
  ['fish', 'exec fish -c'],
  ['tcsh', 'exec tcsh -c'],
  ['a bash that prints what it likes', `${noise}; exec bash -c`],
  ['a bash that prints at its end', `trap '${noise.replaceAll("'", `'\\''`)}' EXIT; bash -c`],
  [
    'umask 077, and variables that tools listen to',
    'umask 077; export TAR_OPTIONS=-v POSIXLY_CORRECT=1 LC_ALL=tr_TR; exec sh -c',
  ],
] as const

let rig: LoopbackRig
let app: App
let scratch: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'login-shells-'))
  rig = await startLoopbackHosts(shells.length, (number) => shells[number - 1]?.[1] ?? 'exit 1;')
  app = await createApp(join(scratch, 'app'), 'small')
  await mkdir(join(scratch, 'store'))
  await app.writeConfig({
    app: 'shop',
    build: { setup: './app setup', deps: ['node_modules'] },
    store: { directory: join(scratch, 'store') },
    fleet: { hosts: rig.hosts.map(({ name, address, port }) => ({ name, host: address, port })) },
    ssh: {
      user: 'root',
      identityFile: rig.identityFile,
      knownHosts: rig.knownHostsFile,
      config: false,
      agent: false,
    },
    target: { path: 'app', keep: 2, shared: ['log/'] },
    service: { restart: '"$HOME"/service restart', stop: '"$HOME"/service stop' },
    rollout: { strategy: 'parallel' },
    health: { command: '"$HOME"/healthy', successes: 2, minUptime: '0s', interval: '200ms', deadline: '20s' },
  })
})
afterAll(async () => {
  await rig.stop()
  await rm(scratch, { recursive: true, force: true })
})

const run = (...args: readonly string[]) =>
  deliver(['--plain', ...args, '--yes'], { cwd: app.directory, env: app.env })

async function expectEverywhere(release: string): Promise<void> {
  const answers = await Promise.all(rig.hosts.map((host) => ask(host.app, '/health')))
  expect(answers.map((answer) => (typeof answer === 'string' ? answer : answer.release))).toEqual(
    shells.map(() => release),
  )
  const hosts = rig.hosts.map(({ name, home }) => ({ name, targetPath: `${home}/app`, shell: localShell }))
  const store = { directory: join(scratch, 'store'), app: 'shop', environment: 'production' }
  const expected = { current: release, pointer: release, keep: 2 }
  expect(await inspectWorld({ hosts, store, shared: ['log'] }, expected)).toEqual([])
}

scenario(
  `whole and delta staging, switch and rollback on ${shells.map(([name]) => name).join(', ')}`,
  ['I1', 'I3', 'I10'],
  async () => {
    for (const release of ['v1', 'v2']) {
      await app.change(release)
      const { code, output } = await run('ship', '--tag', release)
      expect(code, output).toBe(0)
      await expectEverywhere(release)
    }
    const { code, output } = await run('rollback')
    expect(code, output).toBe(0)
    await expectEverywhere('v1')
  },
)
