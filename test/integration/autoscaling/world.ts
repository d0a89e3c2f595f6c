import * as scaling from '@aws-sdk/client-auto-scaling'
import * as ec2 from '@aws-sdk/client-ec2'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, type App } from '../../fixtures/app.js'
import { inspectWorld, type Expectation } from '../inspect.js'
import { openGroups, type Groups } from '../rig/auto-scaling.js'
import { startAwsProxy, type AwsProxy } from '../rig/aws-proxy.js'
import { command } from '../rig/command.js'
import { deliver, startDeliver, type Finished, type Running } from '../rig/deliver.js'
import { startLoopbackHosts, type LoopbackHost } from '../rig/loopback-hosts.js'
import { startMoto } from '../rig/moto.js'
import { makeKeyFiles, Sshd } from '../rig/sshd.js'
import { readPointer } from '../rig/store-files.js'
import { ask } from '../rig/traffic.js'
import { localShell } from '../rig/tree.js'

/**
 * A group of the emulator whose instances are real: their private addresses lead to sshds by the ssh config, as a bastion or a VPN
 * would lead there. Server 1 has addresses 10.0.1.*, another one at each launch, and is the host `loop1` of the rig.
 */
export interface FleetWorld {
  readonly app: App
  readonly groups: Groups
  readonly proxy: AwsProxy
  /** The emulator itself, without the proxy. */
  readonly endpoint: string
  /** Called where the deploy is, e.g. `beforeActivate i-0abc` or `restart 2`; the deploy goes on when it has resolved. */
  at: (where: string) => Promise<void>
  server(number: number): LoopbackHost
  /** Launches the server as an instance in service, and gives its id. */
  launch(number: number): Promise<string>
  /** The id that a server has. */
  id(number: number): string
  /** Ends it: its group shrinks by one, and nothing answers any more. */
  terminate(number: number): Promise<void>
  /** Another machine at the address of a server that is gone, with a host key of its own. Gives where a login would land. */
  replace(number: number): Promise<string>
  /** Ends all instances and forgets what was deployed; what was published stays. */
  clear(): Promise<void>
  run(...args: readonly string[]): Promise<Finished>
  start(...args: readonly string[]): Running
  /** Builds and publishes without a deploy. */
  publish(release: string, status?: number): Promise<void>
  /** `1 v1`: what each of these servers answers, or why it doesn't. */
  running(...numbers: readonly number[]): Promise<readonly string[]>
  inspect(numbers: readonly number[], expected?: Expectation): Promise<readonly string[]>
  /** The release that a server would install that boots now. */
  pointer(): Promise<unknown>
  /** The lock as it would be had its holder not renewed it for so many ms. */
  ageLock(ms: number): Promise<void>
  stop(): Promise<void>
}

const group = 'api-prod'

export async function startFleetWorld(servers: number, sections: object = {}): Promise<FleetWorld> {
  const scratch = await mkdtemp(join(tmpdir(), 'fleet-'))
  const moto = await startMoto()
  const proxy = await startAwsProxy(moto.endpoint)
  const rig = await startLoopbackHosts(servers)
  const app = await createApp(join(scratch, 'app'), 'small')
  const store = { directory: join(scratch, 'store'), app: 'api', environment: 'production' }
  await mkdir(store.directory)
  const groups = await openGroups(moto)
  await groups.create(group, { size: 0, max: 100 })
  const ids = new Map<number, string>()
  let launches = 10
  const others: Sshd[] = []

  const control = createServer((request, response) => {
    const where = decodeURIComponent((request.url ?? '/').slice(1))
    world.at(where).then(
      () => response.end(),
      (error: unknown) => {
        response.writeHead(500)
        response.end(String(error))
      },
    )
  })
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve))
  const bound = control.address()
  if (typeof bound !== 'object' || bound === null) throw new Error('no port')
  const tell = `curl -fsS -o /dev/null http://127.0.0.1:${bound.port}`

  const sshConfig = join(scratch, 'ssh_config')
  const blocks = rig.hosts.map(
    ({ address, port }, at) => `Host 10.0.${at + 1}.*\n  HostName ${address}\n  Port ${port}\n`,
  )
  await writeFile(sshConfig, blocks.join('\n'))
  for (const [at, host] of rig.hosts.entries()) {
    const script = await readFile(join(host.home, 'service'), 'utf8')
    const telling = script.replace(
      'set -eu\n',
      `set -eu\n[ "$1" != restart ] || ${tell}/restart%20${at + 1}\n`,
    )
    await writeFile(join(host.home, 'service'), telling)
  }
  await app.writeConfig({
    app: store.app,
    build: { setup: './app setup', deps: ['node_modules'] },
    archive: { format: 'tar.gz' },
    store: { directory: store.directory },
    fleet: {
      autoscaling: { groups: [group], region: 'eu-west-1', endpoint: proxy.endpoint, bootTimeout: '20s' },
    },
    ssh: {
      user: 'root',
      identityFile: rig.identityFile,
      knownHosts: rig.knownHostsFile,
      config: sshConfig,
      agent: false,
      connectTimeout: '4s',
      retries: 1,
    },
    target: { path: 'app', keep: 3 },
    service: { restart: '"$HOME"/service restart', stop: '"$HOME"/service stop' },
    health: { command: '"$HOME"/healthy', successes: 2, interval: '200ms', minUptime: '0s', deadline: '8s' },
    hooks: Object.fromEntries(
      ['beforeStage', 'beforeActivate', 'beforeBatch', 'afterRollout'].map((point) => [
        point,
        `${tell}/${point}%20\${DELIVER_HOST:-\${DELIVER_HOSTS:-none}}`,
      ]),
    ),
    ...sections,
  })
  const how = { cwd: app.directory, env: { ...app.env, ...moto.env } }
  const run = (...args: readonly string[]) => deliver(['--plain', ...args], how)

  const world: FleetWorld = {
    app,
    groups,
    proxy,
    endpoint: moto.endpoint,
    at: () => Promise.resolve(),
    server(number) {
      const found = rig.hosts[number - 1]
      if (found === undefined) throw new Error(`there is no server ${number}`)
      return found
    },
    async launch(number) {
      launches += 1
      const made = await groups.ec2.send(
        new ec2.RunInstancesCommand({
          ImageId: 'ami-12345678',
          InstanceType: 't3.small',
          MinCount: 1,
          MaxCount: 1,
          SubnetId: groups.subnet,
          PrivateIpAddress: `10.0.${number}.${launches}`,
        }),
      )
      const id = made.Instances?.[0]?.InstanceId ?? ''
      await groups.scaling.send(
        new scaling.AttachInstancesCommand({ AutoScalingGroupName: group, InstanceIds: [id] }),
      )
      ids.set(number, id)
      return id
    },
    id(number) {
      const found = ids.get(number)
      if (found === undefined) throw new Error(`server ${number} was not launched`)
      return found
    },
    async terminate(number) {
      await groups.terminate(world.id(number))
      ids.delete(number)
      const host = world.server(number)
      await host.sshd.stop()
      await command(join(host.home, 'service'), ['stop'])
    },
    async replace(number) {
      const { address, port, sshd } = world.server(number)
      await sshd.stop()
      const directory = await mkdtemp(join(scratch, 'other-'))
      const home = join(directory, 'home')
      await mkdir(home)
      const other = await Sshd.start({
        directory: join(directory, 'sshd'),
        address,
        port,
        hostKeys: [await makeKeyFiles(join(directory, 'key'))],
        clients: [(await readFile(`${rig.identityFile}.pub`, 'utf8')).trim()],
        settings: { ForceCommand: `cd ${home} && HOME=${home} exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"` },
      })
      others.push(other)
      return home
    },
    async clear() {
      for (const other of others.splice(0)) await other.stop()
      world.at = () => Promise.resolve()
      proxy.before = () => undefined
      proxy.after = (_call, body) => body
      const left = await groups.states(group)
      for (const id of Object.keys(left)) await groups.terminate(id)
      ids.clear()
      for (const host of rig.hosts) {
        await command(join(host.home, 'service'), ['stop'])
        await rm(join(host.home, 'app'), { recursive: true, force: true })
        await host.sshd.stop()
        await host.sshd.resume()
      }
      await rm(join(store.directory, store.app, store.environment), { recursive: true, force: true })
    },
    run,
    start: (...args) => startDeliver(['--plain', ...args], how),
    async publish(release, status) {
      await app.change(release, status === undefined ? undefined : { status })
      for (const step of ['setup', 'commit-deps', 'archive', 'publish']) {
        const done = await run(step, ...(step === 'setup' ? [] : ['--tag', release]))
        if (done.code !== 0) throw new Error(`${step} ended with ${done.code}:\n${done.output}`)
      }
    },
    running: (...numbers) =>
      Promise.all(
        numbers.map(async (number) => {
          const answer = await ask(world.server(number).app, '/health')
          return `${number} ${typeof answer === 'string' ? answer : answer.release}`
        }),
      ),
    inspect: (numbers, expected) => {
      const hosts = numbers.map((number) => {
        const { name, home } = world.server(number)
        return { name, targetPath: `${home}/app`, shell: localShell }
      })
      return inspectWorld({ hosts, store }, expected)
    },
    pointer: async () => (await readPointer(store))?.['release'],
    async ageLock(ms) {
      const versions = join(store.directory, store.app, store.environment, '.versions')
      const numbers = (await readdir(versions)).flatMap((name) => /^lock\.json\.(\d+)$/.exec(name)?.[1] ?? [])
      const then = new Date(Date.now() - ms)
      await utimes(join(versions, `lock.json.${Math.max(...numbers.map(Number))}`), then, then)
    },
    async stop() {
      for (const other of others) await other.stop()
      control.closeAllConnections()
      control.close()
      await rig.stop()
      await proxy.stop()
      await moto.stop()
      await rm(scratch, { recursive: true, force: true })
    },
  }
  return world
}
