import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../fixtures/app.js'
import { inspectWorld, type Expectation } from './inspect.js'
import { deliver, type Finished } from './rig/deliver.js'
import { startMoto } from './rig/moto.js'
import { startHosts } from './rig/systemd-hosts.js'
import type { SystemdHost } from './rig/systemd-host.js'
import type { CommandResult } from './rig/command.js'
import { ask } from './rig/traffic.js'

/** True: the answer is written, and nothing goes on to the emulator. */
export type Fault = (path: string, answer: ServerResponse) => boolean
export type Change = (path: string, body: Buffer) => Buffer

/** Stands between the servers and the store: it sees and spoils what is asked. */
export interface StoreProxy {
  readonly endpoint: string
  fault: Fault | undefined
  change: Change | undefined
  /** Seconds that the clock of the store is ahead, for signed URLs. */
  ahead: number
  /** Path, authorization and user agent of each request. */
  readonly asked: string[]
  /** Bodies of lifecycle actions, which end here: they are what a test is about. */
  readonly actions: string[]
  close(): void
}

/**
 * web1 was deployed to by ssh. web2 is a fresh server: an image, the role of its instance, and the user data that deliver
 * prints. Between it and the store is a proxy that fails as told.
 */
export interface BootWorld {
  readonly web1: SystemdHost
  readonly web2: SystemdHost
  readonly proxy: StoreProxy
  run(...args: readonly string[]): Promise<Finished>
  ship(release: string): Promise<void>
  /** Whom a deploy reaches from now on, and sections of the config to replace. */
  configure(hosts: readonly SystemdHost[], sections?: object): Promise<void>
  /** What `deliver user-data` prints. */
  userData(...args: readonly string[]): Promise<string>
  /** As cloud-init does: the script as root on web2, with nothing in the environment but what tells where Auto Scaling is. */
  boot(script: string): Promise<CommandResult>
  /** web2 is fresh again. */
  forget(): Promise<void>
  /** The release that web2 serves. */
  serves(): Promise<string | undefined>
  /** What lies in web2's target: releases and the link. */
  installed(): Promise<string>
  inspect(expected?: Expectation): Promise<readonly string[]>
  stop(): Promise<void>
}

export async function startBootWorld(options: { readonly awscli?: boolean } = {}): Promise<BootWorld> {
  const scratch = await mkdtemp(join(tmpdir(), 'boot-'))
  const rig = await startHosts(2, options)
  const [web1, web2] = rig.hosts
  if (web1 === undefined || web2 === undefined) throw new Error('no hosts')
  const bridge = web1.address.replace(/\d+$/, '1')
  const moto = await startMoto(bridge)
  const proxy = await startProxy(bridge, moto.endpoint)
  await createBucket(moto.endpoint)
  const app = await createApp(join(scratch, 'app'), 'small')
  const how = { cwd: app.directory, env: { ...app.env, ...moto.env } }
  const run = (...args: readonly string[]) => deliver(['--plain', ...args], how)
  const world: BootWorld = {
    web1,
    web2,
    proxy,
    run,
    async ship(release) {
      await app.change(release)
      const { code, output } = await run('ship', '--tag', release, '--yes')
      if (code !== 0) throw new Error(`ship ended with ${code}:\n${output}`)
    },
    configure: (hosts, sections = {}) =>
      app.writeConfig({
        app: 'api',
        build: { setup: './app setup', deps: ['node_modules'] },
        store: {
          s3: {
            bucket: 'builds',
            prefix: 'apps',
            region: 'eu-west-1',
            endpoint: proxy.endpoint,
            forcePathStyle: true,
          },
        },
        fleet: { hosts: hosts.map(({ name, address }) => ({ name, host: address })) },
        ssh: {
          user: 'deploy',
          identityFile: rig.identityFile,
          knownHosts: rig.knownHostsFile,
          config: false,
          agent: false,
          retries: 1,
        },
        target: { path: '/srv/api', keep: 3, shared: ['log/'] },
        service: { systemd: 'api' },
        health: {
          http: 'http://localhost:3000/health',
          successes: 2,
          minUptime: '1s',
          interval: '1s',
          deadline: '15s',
        },
        boot: { lifecycleHook: 'boot', group: 'api prod', retryFor: '1s' },
        ...sections,
      }),
    async userData(...args) {
      const { code, stdout, output } = await run('user-data', ...args)
      if (code !== 0) throw new Error(`user-data ended with ${code}:\n${output}`)
      return stdout
    },
    async boot(script) {
      await writeFile(web2.path('/root/user-data'), script)
      const line = `env -i AWS_ENDPOINT_URL_AUTO_SCALING=${proxy.endpoint} sh /root/user-data 2>&1`
      return web2.sshAsRoot(line, { timeout: 170_000 })
    },
    async forget() {
      await web2.sshAsRoot(
        'systemctl stop api; systemctl reset-failed api; find /srv/api -mindepth 1 -delete; rm -f /usr/local/bin/deliver-agent',
      )
    },
    async serves() {
      const answer = await ask(`${web2.address}:3000`, '/health')
      return typeof answer === 'string' ? undefined : answer.release
    },
    installed: async () =>
      (await web2.sshAsRoot('ls /srv/api/releases 2>/dev/null; readlink /srv/api/current')).stdout,
    inspect: (expected) => {
      const host = {
        name: web2.name,
        targetPath: web2.targetPath,
        shell: web2.sshAsRoot.bind(web2),
        unit: 'api',
      }
      const store = { directory: join(scratch, 'none'), app: 'api', environment: 'production' }
      return inspectWorld({ hosts: [host], store, shared: ['log'] }, expected)
    },
    async stop() {
      proxy.close()
      await rig.stop()
      await moto.stop()
      await rm(scratch, { recursive: true, force: true })
    },
  }
  await world.configure([web1])
  await world.ship('v1')
  await makeInstance(web2)
  return world
}

async function createBucket(endpoint: string): Promise<void> {
  const { S3Client, CreateBucketCommand } = await import('@aws-sdk/client-s3')
  const client = new S3Client({
    endpoint,
    region: 'eu-west-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const
  await client.send(new CreateBucketCommand({ Bucket: 'builds', CreateBucketConfiguration }))
  client.destroy()
}

async function startProxy(address: string, target: string): Promise<StoreProxy> {
  const proxy: StoreProxy = {
    endpoint: '',
    fault: undefined,
    change: undefined,
    ahead: 0,
    asked: [],
    actions: [],
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  const forward = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const path = incoming.url ?? '/'
    const to = request(`${target}${path}`, { method: incoming.method, headers: incoming.headers }, (from) => {
      const chunks: Buffer[] = []
      from.on('data', (chunk: Buffer) => chunks.push(chunk))
      from.on('end', () => {
        const body = Buffer.concat(chunks)
        answer.writeHead(from.statusCode ?? 500, from.headers)
        answer.end(proxy.change?.(path, body) ?? body)
      })
    })
    incoming.pipe(to)
  }
  const server = createServer((incoming, answer) => {
    const path = incoming.url ?? '/'
    const { authorization = '', 'user-agent': agent = '' } = incoming.headers
    proxy.asked.push(`${path} ${authorization} ${agent}`)
    if (incoming.method === 'POST' && path === '/') {
      incoming.on('data', (chunk: Buffer) => proxy.actions.push(decodeURIComponent(chunk.toString())))
      incoming.on('end', () => answer.end('<ok/>'))
    } else if (hasExpired(path, proxy.ahead)) {
      // What S3 says and the emulator never does.
      answer
        .writeHead(403)
        .end('<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>')
    } else if (proxy.fault?.(path, answer) !== true) forward(incoming, answer)
  })
  server.listen(0, address)
  await once(server, 'listening')
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return Object.assign(proxy, { endpoint: `http://${address}:${port}` })
}

/** Whether a signed URL is too old, by a clock that is so many seconds ahead. */
function hasExpired(path: string, ahead: number): boolean {
  const { searchParams } = new URL(path, 'http://x')
  const [, ...parts] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(searchParams.get('X-Amz-Date') ?? '') ?? []
  if (parts.length === 0) return false
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number)
  const signed = Date.UTC(year, month - 1, day, hour, minute, second)
  return Date.now() + ahead * 1000 > signed + Number(searchParams.get('X-Amz-Expires')) * 1000
}

/** The metadata service of a real instance, on its real address, in the host's own network. Version 2 only: no token, no answer. */
const metadataService = `
const { createServer } = require('node:http')
const role = {
  Code: 'Success', Type: 'AWS-HMAC', LastUpdated: '2026-01-01T00:00:00Z', Expiration: '2099-01-01T00:00:00Z',
  AccessKeyId: 'ASIAROLE', SecretAccessKey: 'sec/ret+', Token: 'to/ken==',
}
const told = {
  'placement/region': 'eu-west-1',
  'instance-id': 'i-0123456789abcdef0',
  'iam/security-credentials/': 'servers',
  'iam/security-credentials/servers': JSON.stringify(role, null, 2),
}
createServer((request, answer) => {
  if (request.method === 'PUT' && request.url === '/latest/api/token') return answer.end('the-token')
  const found = told[request.url.replace('/latest/meta-data/', '')]
  answer.statusCode = request.headers['x-aws-ec2-metadata-token'] !== 'the-token' ? 401 : found === undefined ? 404 : 200
  answer.end(found)
}).listen(80, '169.254.169.254')
`

async function makeInstance(host: SystemdHost): Promise<void> {
  await writeFile(host.path('/root/metadata.js'), metadataService)
  const { code, stderr } = await host.sshAsRoot(
    'ip address add 169.254.169.254/32 dev lo && systemd-run --unit metadata node /root/metadata.js && sleep 1',
  )
  if (code !== 0) throw new Error(`no metadata service: ${stderr}`)
}

export const completed = (result: 'CONTINUE' | 'ABANDON') =>
  `Action=CompleteLifecycleAction&Version=2011-01-01&AutoScalingGroupName=api prod&LifecycleHookName=boot&InstanceId=i-0123456789abcdef0&LifecycleActionResult=${result}`

export const answerWith =
  (pattern: RegExp, code: number): Fault =>
  (path, answer) => {
    if (!pattern.test(path)) return false
    answer.writeHead(code).end('<Error/>')
    return true
  }

export const flip: Change = (path, body) => {
  if (!/archive/.test(path)) return body
  const copy = Buffer.from(body)
  copy[1000] = (copy[1000] ?? 0) ^ 1
  return copy
}

export const cut: Fault = (path, answer) => {
  if (!/archive/.test(path)) return false
  answer.writeHead(200, { 'content-length': 1_000_000 })
  answer.write(Buffer.alloc(1000), () => answer.destroy())
  return true
}

/** A byte now and then, and never an end. */
export const drip: Fault = (path, answer) => {
  if (!/archive/.test(path)) return false
  answer.writeHead(200, { 'content-length': 1_000_000 })
  const timer = setInterval(() => answer.write('x'), 500)
  answer.on('close', () => clearInterval(timer))
  return true
}

/** The ways in which the store fails a server that boots. */
export const storeFaults: readonly (readonly [string, Fault | undefined, Change | undefined])[] = [
  ['the pointer answers 403', answerWith(/current\.json/, 403), undefined],
  ['the archive answers 404', answerWith(/archive/, 404), undefined],
  ['the archive is cut', cut, undefined],
  ['the archive never ends', drip, undefined],
  ['the archive is damaged', undefined, flip],
]
