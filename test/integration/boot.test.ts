import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createApp, type App } from '../fixtures/app.js'
import { inspectWorld, type World } from './inspect.js'
import { deliver } from './rig/deliver.js'
import { startMoto, type Moto } from './rig/moto.js'
import type { SystemdHost } from './rig/systemd-host.js'
import { startHosts, type HostRig } from './rig/systemd-hosts.js'
import { ask } from './rig/traffic.js'

/**
 * web1 was deployed to by ssh. web2 is a fresh server: an image, the role of its instance, and the user data that deliver
 * printed. Between web2 and the store is a proxy that fails as told.
 */
let rig: HostRig
let moto: Moto
let app: App
let scratch: string
let web1: SystemdHost
let web2: SystemdHost
let proxy: Awaited<ReturnType<typeof startProxy>>
let userData: string

type Fault = (path: string, answer: ServerResponse) => boolean

/** Sees and spoils what goes to the emulator. Lifecycle actions end here: they are what the test is about. */
async function startProxy(address: string, target: string) {
  const state = {
    fault: undefined as Fault | undefined,
    change: undefined as ((path: string, body: Buffer) => Buffer) | undefined,
  }
  const actions: string[] = []
  const authorised: string[] = []
  const forward = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const path = incoming.url ?? '/'
    const to = request(`${target}${path}`, { method: incoming.method, headers: incoming.headers }, (from) => {
      const chunks: Buffer[] = []
      from.on('data', (chunk: Buffer) => chunks.push(chunk))
      from.on('end', () => {
        const body = Buffer.concat(chunks)
        answer.writeHead(from.statusCode ?? 500, from.headers)
        answer.end(state.change?.(path, body) ?? body)
      })
    })
    incoming.pipe(to)
  }
  const server = createServer((incoming, answer) => {
    const path = incoming.url ?? '/'
    authorised.push(`${path} ${incoming.headers.authorization ?? ''}`)
    if (incoming.method === 'POST' && path === '/') {
      incoming.on('data', (chunk: Buffer) => actions.push(decodeURIComponent(chunk.toString())))
      incoming.on('end', () => answer.end('<ok/>'))
    } else if (state.fault?.(path, answer) !== true) forward(incoming, answer)
  })
  server.listen(0, address)
  await once(server, 'listening')
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return {
    state,
    actions,
    authorised,
    endpoint: `http://${address}:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const config = (...names: readonly SystemdHost[]) => ({
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
  fleet: { hosts: names.map(({ name, address }) => ({ name, host: address })) },
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
})

const run = (...args: readonly string[]) =>
  deliver(['--plain', ...args], { cwd: app.directory, env: { ...app.env, ...moto.env } })

async function ship(release: string): Promise<void> {
  await app.change(release)
  const { code, output } = await run('ship', '--tag', release, '--yes')
  expect(code, output).toBe(0)
}

/** The metadata service of a real instance, on its real address, in the host's own network. Version 2 only: no token, no answer. */
const metadataService = `
const { createServer } = require('node:http')
const role = { Code: 'Success', AccessKeyId: 'ASIAROLE', SecretAccessKey: 'sec/ret+', Token: 'to/ken==' }
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
  expect(code, stderr).toBe(0)
}

/** As cloud-init does: the script as root, with nothing in the environment but what tells where Auto Scaling is. */
async function boot(script = userData) {
  await writeFile(web2.path('/root/user-data'), script)
  const line = `env -i AWS_ENDPOINT_URL_AUTO_SCALING=${proxy.endpoint} sh /root/user-data 2>&1`
  return web2.sshAsRoot(line, { timeout: 170_000 })
}

async function forget(): Promise<void> {
  await web2.sshAsRoot(
    'systemctl stop api; systemctl reset-failed api; find /srv/api -mindepth 1 -delete; rm -f /usr/local/bin/deliver-agent',
  )
}

const world = (): World => ({
  hosts: [web2].map((host) => ({
    name: host.name,
    targetPath: host.targetPath,
    shell: (line, how) => host.sshAsRoot(line, how),
    unit: 'api',
  })),
  store: { directory: join(scratch, 'none'), app: 'api', environment: 'production' },
  shared: ['log'],
})

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'boot-'))
  rig = await startHosts(2)
  const [first, second] = rig.hosts
  if (first === undefined || second === undefined) throw new Error('no hosts')
  web1 = first
  web2 = second
  const bridge = web1.address.replace(/\d+$/, '1')
  moto = await startMoto(bridge)
  proxy = await startProxy(bridge, moto.endpoint)
  const { S3Client, CreateBucketCommand } = await import('@aws-sdk/client-s3')
  const client = new S3Client({
    endpoint: moto.endpoint,
    region: 'eu-west-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  await client.send(
    new CreateBucketCommand({
      Bucket: 'builds',
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    }),
  )
  client.destroy()
  app = await createApp(join(scratch, 'app'), 'small')
  await app.writeConfig(config(web1))
  await ship('v1')
  const printed = await run('user-data')
  expect(printed.code, printed.output).toBe(0)
  userData = printed.stdout
  await makeInstance(web2)
})

beforeEach(() => {
  proxy.state.fault = undefined
  proxy.state.change = undefined
  proxy.actions.length = 0
})

afterAll(async () => {
  proxy?.close()
  await rig?.stop()
  await moto?.stop()
  await rm(scratch, { recursive: true, force: true })
})

const serves = async () => {
  const answer = await ask(`${web2.address}:3000`, '/health')
  return typeof answer === 'string' ? undefined : answer.release
}

const completed = (result: string) =>
  `Action=CompleteLifecycleAction&Version=2011-01-01&AutoScalingGroupName=api prod&LifecycleHookName=boot&InstanceId=i-0123456789abcdef0&LifecycleActionResult=${result}`

type Change = (path: string, body: Buffer) => Buffer
const answerWith =
  (pattern: RegExp, code: number): Fault =>
  (path, answer) => {
    if (!pattern.test(path)) return false
    answer.writeHead(code).end('<Error/>')
    return true
  }
const flip: Change = (path, body) => {
  if (!/archive/.test(path)) return body
  const copy = Buffer.from(body)
  copy[1000] = (copy[1000] ?? 0) ^ 1
  return copy
}
const cut: Fault = (path, answer) => {
  if (!/archive/.test(path)) return false
  answer.writeHead(200, { 'content-length': 1_000_000 })
  answer.write(Buffer.alloc(1000), () => answer.destroy())
  return true
}
/** A byte now and then, and never an end. */
const drip: Fault = (path, answer) => {
  if (!/archive/.test(path)) return false
  answer.writeHead(200, { 'content-length': 1_000_000 })
  const timer = setInterval(() => answer.write('x'), 500)
  answer.on('close', () => clearInterval(timer))
  return true
}

test.each<readonly [string, Fault | undefined, Change | undefined]>([
  ['the pointer answers 403', answerWith(/current\.json/, 403), undefined],
  ['the archive answers 404', answerWith(/archive/, 404), undefined],
  ['the archive is cut', cut, undefined],
  ['the archive never ends', drip, undefined],
  ['the archive is damaged', undefined, flip],
])('nothing is started while %s, and the group is told', async (_, fault, change) => {
  proxy.state.fault = fault
  proxy.state.change = change
  const { code, stdout } = await boot()
  expect(code, stdout).toBe(3)
  expect(await serves()).toBeUndefined()
  expect((await web2.sshAsRoot('ls /srv/api/releases 2>/dev/null; readlink /srv/api/current')).stdout).toBe(
    '',
  )
  expect(proxy.actions).toContain(completed('ABANDON'))
  expect(stdout).not.toContain('sec/ret')
})

test('a fresh server that runs its user data serves the app, and the group is told', async () => {
  await forget()
  const { code, stdout } = await boot()
  expect(code, stdout).toBe(0)
  expect(await serves()).toBe('v1')
  expect(proxy.actions.at(-1)).toBe(completed('CONTINUE'))
  expect(
    proxy.authorised.some((each) => /archive\S* AWS4-HMAC-SHA256 Credential=ASIAROLE\//.test(each)),
  ).toBe(true)
  expect(
    (await web2.sshAsRoot('stat -c %U /srv/api/releases/v1 /srv/api/.deliver /srv/api/shared/log')).stdout,
  ).toBe('deploy\ndeploy\ndeploy\n')
  expect(await inspectWorld(world(), { current: 'v1' })).toEqual([])
  expect(`${stdout}${(await web2.sshAsRoot('cat /srv/api/.deliver/generation')).stdout}`).not.toMatch(
    /sec\/ret|to\/ken/,
  )
})

test('a running server stays on its release while the store is away', async () => {
  proxy.state.fault = answerWith(/./, 503)
  const { code } = await web2.sshAsRoot('deliver-agent update')
  expect(code).toBe(1)
  expect(await serves()).toBe('v1')
})

test('a deploy by ssh works on the server that booted, and an update of it afterwards changes nothing', async () => {
  await app.writeConfig(config(web1, web2))
  await ship('v2')
  expect(await serves()).toBe('v2')
  expect(await inspectWorld(world(), { current: 'v2' })).toEqual([])
  const { code, stdout } = await web2.sshAsRoot('deliver-agent update')
  expect(code, stdout).toBe(0)
  expect(stdout).toContain('v2 runs already')
})

test('cloud-init gets the same program', async () => {
  const { stdout } = await run('user-data', '--format', 'cloud-init')
  const content = /content: (\S+)/.exec(stdout)?.[1] ?? ''
  await writeFile(web2.path('/root/packed'), content)
  const unpacked = await web2.sshAsRoot(
    'base64 -d </root/packed | gzip -dc | cmp - /usr/local/bin/deliver-agent',
  )
  expect(unpacked.stdout + unpacked.stderr).toBe('')
  expect(unpacked.code).toBe(0)
})
