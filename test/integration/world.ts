import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, type App, type Behaviour } from '../fixtures/app.js'
import { inspectWorld, type Expectation, type World } from './inspect.js'
import { deliver, startDeliver, type Finished, type Running } from './rig/deliver.js'
import { startHosts, type HostOptions } from './rig/systemd-hosts.js'
import type { SystemdHost } from './rig/systemd-host.js'
import { startBalancer } from './rig/balancer.js'
import { startSampler, type Sampler } from './rig/sampler.js'
import { ask, startTraffic, type Answer, type Traffic } from './rig/traffic.js'

export interface ScenarioOptions {
  readonly hosts: number
  readonly size?: 'small' | 'large'
  readonly hostOptions?: (number: number) => HostOptions
  /** Who deploys. Default: `deploy`. */
  readonly user?: 'deploy' | 'root'
  /** A real HAProxy between the clients and the hosts, instead of clients that try the next host themselves. */
  readonly balancer?: boolean
  /** Who connects. Default: what DELIVER_SSH_CLIENT says, so that all scenarios can be run by either. */
  readonly sshClient?: 'ssh2' | 'openssh'
  /** Sections of the config to replace. */
  readonly config?: Readonly<Record<string, object>>
}

/** A team's repository, its store and its hosts, with deliver between them. */
export interface Scenario {
  readonly app: App
  readonly world: World
  readonly hosts: readonly SystemdHost[]
  /** web1 is number 1. */
  host(number: number): SystemdHost
  /** Commits the change, then `deliver ship --tag RELEASE --yes`. */
  ship(release: string, behaviour?: Behaviour, ...flags: readonly string[]): Promise<Finished>
  /** Builds and publishes without a deploy. */
  publish(release: string, behaviour?: Behaviour): Promise<void>
  run(...args: readonly string[]): Promise<Finished>
  start(...args: readonly string[]): Running
  inspect(expected?: Expectation): Promise<readonly string[]>
  /** What each host's app answers now: `release` and `pid`, or why there is none. */
  answers(): Promise<readonly (Answer | string)[]>
  /** `web1 runs v1` for each host, as its app says it; or why it says nothing. */
  running(): Promise<readonly string[]>
  traffic(): Traffic
  /** Watches the hosts from now on; `mostOut`: how many may be out of service at once. */
  sampler(mostOut?: number): Sampler
  stop(): Promise<void>
}

const keep = 3

/** What `running()` says when all three hosts run a release. */
export function everywhere(release: string): readonly string[] {
  return ['web1', 'web2', 'web3'].map((host) => `${host} runs ${release}`)
}

export async function startScenario(options: ScenarioOptions): Promise<Scenario> {
  const scratch = await mkdtemp(join(tmpdir(), 'scenario-'))
  const rig = await startHosts(options.hosts, options.hostOptions)
  const app = await createApp(join(scratch, 'app'), options.size ?? 'small')
  const store = { directory: join(scratch, 'store'), app: 'api', environment: 'production' }
  await mkdir(store.directory)
  await app.writeConfig({
    app: store.app,
    build: { setup: './app setup', deps: ['node_modules'] },
    store: { directory: store.directory },
    fleet: { hosts: rig.hosts.map(({ name, address }) => ({ name, host: address })) },
    ssh: {
      user: options.user ?? 'deploy',
      identityFile: rig.identityFile,
      knownHosts: rig.knownHostsFile,
      config: false,
      agent: false,
      keepalive: '2s',
      connectTimeout: '4s',
      retries: 1,
      client: options.sshClient ?? process.env['DELIVER_SSH_CLIENT'] ?? 'auto',
    },
    target: { path: '/srv/api', keep, shared: ['log/'] },
    service: { systemd: 'api' },
    rollout: { strategy: 'rolling', batch: 1 },
    health: {
      http: 'http://localhost:3000/health',
      successes: 2,
      minUptime: '1s',
      interval: '200ms',
      deadline: '10s',
    },
    ...options.config,
  })
  const world: World = {
    hosts: rig.hosts.map((host) => ({
      name: host.name,
      targetPath: host.targetPath,
      shell: (line, how) => host.sshAsRoot(line, how),
      unit: 'api',
    })),
    store,
    shared: ['log'],
  }
  const how = { cwd: app.directory, env: app.env }
  const targets = rig.hosts.map((host) => `${host.address}:3000`)
  const balancer = options.balancer === true ? await startBalancer(targets) : undefined
  const answers = () => Promise.all(targets.map((target) => ask(target, '/health')))
  const run = (...args: readonly string[]) => deliver(['--plain', ...args], how)
  return {
    app,
    world,
    hosts: rig.hosts,
    host(number) {
      const found = rig.hosts[number - 1]
      if (found === undefined) throw new Error(`there is no host ${number}`)
      return found
    },
    async ship(release, behaviour, ...flags) {
      await app.change(release, behaviour)
      return run('ship', '--tag', release, '--yes', ...flags)
    },
    async publish(release, behaviour) {
      await app.change(release, behaviour)
      for (const step of ['setup', 'commit-deps', 'archive', 'publish']) {
        const done = await run(step, ...(step === 'setup' ? [] : ['--tag', release]))
        if (done.code !== 0) throw new Error(`${step} ended with ${done.code}:\n${done.output}`)
      }
    },
    run,
    start: (...args) => startDeliver(['--json', ...args], how),
    inspect: (expected) => inspectWorld(world, { keep, ...expected }),
    answers,
    running: async () =>
      (await answers()).map((answer) =>
        typeof answer === 'string' ? answer : `${answer.host} runs ${answer.release}`,
      ),
    traffic: () => startTraffic({ targets: balancer === undefined ? targets : [balancer.address] }),
    sampler: (mostOut = 1) => startSampler(rig.hosts, mostOut),
    async stop() {
      await balancer?.stop()
      await rig.stop()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}
