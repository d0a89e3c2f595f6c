import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSsh2Transport } from '../../../src/adapters/ssh/transport.js'
import type { SshConfig } from '../../../src/config/types.js'
import { DeliverError } from '../../../src/errors.js'
import type { Host, Transport } from '../../../src/ports.js'
import type { DeliverEvent } from '../../../src/report/events.js'
import { hostOf, lineFor, makePlace } from './place.js'
import type { Place } from './place.js'
import { instantExit, makeKeys, startServer } from './server.js'
import type { TestServer, TestServerOptions } from './server.js'

let place: Place
let cleanups: (() => unknown)[]

beforeEach(async () => {
  cleanups = []
  place = await makePlace()
})

afterEach(async () => {
  for (const clean of cleanups.reverse()) await clean()
  await place.remove()
})

async function server(options: TestServerOptions = {}): Promise<TestServer> {
  const started = await startServer({ clients: [place.keys], ...options })
  cleanups.push(() => started.stop())
  return started
}

const pauses: number[] = []
const clock = { sleep: async (ms: number) => void pauses.push(ms) }

function transport(
  ssh: Partial<SshConfig> = {},
  env: NodeJS.ProcessEnv = {},
  events: DeliverEvent[] = [],
): Transport {
  pauses.length = 0
  const reporter = { event: (event: DeliverEvent) => void events.push(event) }
  const made = createSsh2Transport({ ssh: place.ssh(ssh), env, home: place.home, clock, reporter })
  cleanups.push(() => made.close())
  return made
}

const trust = (...servers: readonly TestServer[]) =>
  writeFile(place.knownHosts, servers.map((one) => lineFor(one)).join(''))
const config = (lines: string) => writeFile(join(place.home, '.ssh', 'config'), lines)
const identity = (name: string) => join(place.home, '.ssh', name)

async function refused(connecting: Promise<unknown>): Promise<DeliverError> {
  const error: unknown = await connecting.then(
    () => new Error('the host was let through'),
    (reason: unknown) => reason,
  )
  if (error instanceof DeliverError) return error
  throw error
}

async function works(host: Host, ssh: Partial<SshConfig> = {}, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const session = await transport(ssh, env).connect(host)
  expect(await session.exec('exit 3', { timeout: 5_000 })).toEqual({ kind: 'exit', code: 3 })
  await session.close()
}

describe('retries', () => {
  test('a host that cuts before the banner is tried again, with growing jittered pauses', async () => {
    const web1 = await server({ cutBeforeBanner: 3 })
    await trust(web1)
    await works(hostOf(web1), { retries: 3 })
    expect(web1.connections).toBe(4)
    expect(pauses).toHaveLength(3)
    pauses.forEach((ms, index) => {
      expect(ms).toBeGreaterThanOrEqual(250 * 2 ** index)
      expect(ms).toBeLessThanOrEqual(500 * 2 ** index)
    })
  })

  test('they end, and the error names the host and what to look at', async () => {
    const web1 = await server({ cutBeforeBanner: 99 })
    const error = await refused(transport({ retries: 2 }).connect(hostOf(web1)))
    expect(error.message).toMatch(/^web1 \(127\.0\.0\.1:\d+\): .*closed.*\(3 attempts\)$/)
    expect(error.fix).toContain('MaxStartups')
    expect(web1.connections).toBe(3)
  })

  test('a refused connection is tried again', async () => {
    const web1 = await server()
    await web1.stop()
    const error = await refused(transport({ retries: 1 }).connect(hostOf(web1)))
    expect(error.message).toContain('connection refused (2 attempts)')
  })

  test('a silent host is given up after the connect timeout', async () => {
    const web1 = await server({ mute: true })
    const before = Date.now()
    const error = await refused(transport({ connectTimeout: 300, retries: 1 }).connect(hostOf(web1)))
    expect(error.message).toContain('banner did not finish within 0.3 s (2 attempts)')
    expect(Date.now() - before).toBeLessThan(3_000)
  })

  test('a server that speaks something else is not tried again', async () => {
    const http = createServer((socket) =>
      socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(2_000)),
    )
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => http.close())
    const host: Host = {
      name: 'web1',
      address: '127.0.0.1',
      port: (http.address() as AddressInfo).port,
      labels: {},
    }
    expect((await refused(transport({ retries: 0 }).connect(host))).message).toContain('web1 (')
  })

  test('an abort ends the attempt with its reason', async () => {
    const web1 = await server({ mute: true })
    const controller = new AbortController()
    const connecting = transport().connect(hostOf(web1), controller.signal)
    setTimeout(() => controller.abort(new Error('enough')), 50)
    await expect(connecting).rejects.toThrow('enough')
  })
})

describe('the login', () => {
  test('tries none and then the key, once', async () => {
    const web1 = await server()
    await trust(web1)
    await works(hostOf(web1))
    expect(web1.logins.map((login) => login.split(' ')[0])).toEqual(['none', 'publickey', 'publickey'])
  })

  test('that fails is not tried again, and says what was tried', async () => {
    const web1 = await server({ clients: [makeKeys()] })
    await trust(web1)
    const error = await refused(transport({ retries: 3 }).connect(hostOf(web1)))
    expect(error.message).toContain('login as deploy failed')
    expect(error.message).toContain(identity('id_ed25519'))
    expect(error.fix).toContain('authorized_keys')
    expect(web1.connections).toBe(1)
  })

  test('without any key says how to name one', async () => {
    const web1 = await server()
    await trust(web1)
    await rm(identity('id_ed25519'))
    const error = await refused(transport().connect(hostOf(web1)))
    expect(error.message).toContain('No key was tried')
    expect(error.fix).toContain('ssh.identityFile')
  })

  test('never tries more than a few keys', async () => {
    const web1 = await server({ clients: [makeKeys()] })
    await trust(web1)
    const files = await Promise.all(
      Array.from({ length: 9 }, async (_, index) => {
        await writeFile(identity(`key${index}`), makeKeys().private)
        return identity(`key${index}`)
      }),
    )
    const error = await refused(transport({ identityFile: files }).connect(hostOf(web1)))
    expect(web1.logins.filter((login) => login.startsWith('publickey'))).toHaveLength(4)
    expect(error.message).toContain(`${identity('key8')} (not tried`)
  })

  test.each([
    ['missing', undefined, 'does not exist'],
    ['not a key', 'hello', 'not a private key'],
    ['empty', '', 'not a private key'],
  ])(
    'an identity of our config that is %s is an error before any connection',
    async (_name, content, reason) => {
      const web1 = await server()
      if (content !== undefined) await writeFile(identity('mine'), content)
      const error = await refused(transport({ identityFile: [identity('mine')] }).connect(hostOf(web1)))
      expect(error).toMatchObject({
        kind: 'usage',
        message: expect.stringContaining(`${identity('mine')} `) as string,
      })
      expect(error.message).toContain(reason)
      expect(web1.connections).toBe(0)
    },
  )

  test('an encrypted key without an agent is an error that says what to do', async () => {
    const web1 = await server()
    const locked = ssh2.utils.generateKeyPairSync('ed25519', {
      passphrase: 'x',
      cipher: 'aes256-ctr',
      rounds: 1,
    })
    await writeFile(identity('locked'), locked.private)
    const error = await refused(transport({ identityFile: [identity('locked')] }).connect(hostOf(web1)))
    expect(error.message).toContain('is encrypted, and there is no ssh agent')
    expect(error.fix).toContain(`ssh-add ${identity('locked')}`)
  })

  test('an agent that does not answer is mentioned, and other keys are tried', async () => {
    const web1 = await server({ clients: [makeKeys()] })
    await trust(web1)
    const error = await refused(
      transport({ agent: true }, { SSH_AUTH_SOCK: '/nonexistent' }).connect(hostOf(web1)),
    )
    expect(error.message).toContain('agent at /nonexistent does not answer')
    await works(
      hostOf(await server().then(async (one) => (await trust(one), one))),
      { agent: true },
      { SSH_AUTH_SOCK: '/nonexistent' },
    )
  })
})

describe('ProxyJump', () => {
  test('goes through the bastion, whose connection is shared', async () => {
    const [bastion, web1, web2] = [await server(), await server(), await server()]
    await trust(bastion, web1, web2)
    await config(
      `Host jump\n HostName 127.0.0.1\n Port ${bastion.port}\n ProxyJump none\nHost *\n ProxyJump jump`,
    )
    const both = transport()
    const sessions = await Promise.all([web1, web2].map((one) => both.connect(hostOf(one))))
    for (const session of sessions)
      expect(await session.exec('exit 3', { timeout: 5_000 })).toEqual({ kind: 'exit', code: 3 })
    expect(bastion.connections).toBe(1)
    expect([...bastion.forwards].sort()).toEqual([web1, web2].map((one) => `127.0.0.1:${one.port}`).sort())
    await Promise.all(sessions.map((session) => session.close()))
  })

  test('a chain is passed in order', async () => {
    const [first, second, web1] = [await server(), await server(), await server()]
    await trust(first, second, web1)
    await config(
      `Host 127.0.0.1\n ProxyJump u@a:${first.port},b\nHost a b\n HostName localhost\n HostKeyAlias 127.0.0.1\nHost b\n Port ${second.port}`,
    )
    const alias = (one: TestServer) => lineFor(one).replace(/^\S+/, '127.0.0.1')
    await writeFile(place.knownHosts, alias(first) + alias(second) + lineFor(web1))
    await works(hostOf(web1))
    expect(first.forwards).toEqual([`localhost:${second.port}`])
    expect(second.forwards).toEqual([`127.0.0.1:${web1.port}`])
  })

  test('a wrong key behind the bastion is refused before any login there', async () => {
    const [bastion, web1] = [await server(), await server()]
    await config(
      `Host jump\n HostName 127.0.0.1\n Port ${bastion.port}\n ProxyJump none\nHost *\n ProxyJump jump`,
    )
    await writeFile(place.knownHosts, lineFor(bastion) + lineFor(web1, makeKeys()))
    for (const hostKeys of ['strict', 'accept-new'] as const) {
      expect((await refused(transport({ hostKeys, retries: 2 }).connect(hostOf(web1)))).message).toContain(
        'CHANGED',
      )
    }
    expect(web1.logins).toEqual([])
    expect(web1.connections).toBe(2)
  })

  test('a wrong key of the bastion is refused, nothing goes through it, and the error names it', async () => {
    const [bastion, web1] = [await server(), await server()]
    await config(
      `Host jump\n HostName 127.0.0.1\n Port ${bastion.port}\n ProxyJump none\nHost *\n ProxyJump jump`,
    )
    await writeFile(place.knownHosts, lineFor(bastion, makeKeys()) + lineFor(web1))
    const error = await refused(transport({ retries: 2 }).connect(hostOf(web1)))
    expect(error.message).toMatch(
      /^web1 \(.*\), through bastion jump \(127\.0\.0\.1:\d+\): the host's key has CHANGED/,
    )
    expect(bastion.logins).toEqual([])
    expect(web1.connections).toBe(0)
  })

  test('a bastion that forbids forwarding is an error that says so', async () => {
    const [bastion, web1] = [await server({ forbidForwarding: true }), await server()]
    await trust(bastion, web1)
    await config(
      `Host jump\n HostName 127.0.0.1\n Port ${bastion.port}\n ProxyJump none\nHost *\n ProxyJump jump`,
    )
    const error = await refused(transport().connect(hostOf(web1)))
    expect(error.message).toMatch(/web1 .*through bastion jump: no connection to 127\.0\.0\.1/)
  })

  test('a lost bastion takes its sessions along, and is connected anew', async () => {
    const [bastion, web1] = [await server(), await server()]
    await trust(bastion, web1)
    await config(
      `Host jump\n HostName 127.0.0.1\n Port ${bastion.port}\n ProxyJump none\nHost *\n ProxyJump jump`,
    )
    const shared = transport()
    const session = await shared.connect(hostOf(web1))
    const running = session.exec('sleep 20', { timeout: 15_000 })
    setTimeout(() => bastion.cut(), 100)
    expect((await running).kind).toBe('lost')
    expect(session.alive).toBe(false)
    const again = await shared.connect(hostOf(web1))
    expect(await again.exec('exit 3', { timeout: 5_000 })).toEqual({ kind: 'exit', code: 3 })
    expect(bastion.connections).toBe(2)
  })

  test('a target that ends its connection behind a bastion is noticed', async () => {
    const [bastion, web1] = [await server(), await server()]
    await trust(bastion, web1)
    await config(
      `Host jump\n HostName 127.0.0.1\n Port ${bastion.port}\n ProxyJump none\nHost *\n ProxyJump jump`,
    )
    const session = await transport().connect(hostOf(web1))
    const running = session.exec('sleep 20', { timeout: 15_000 })
    setTimeout(() => web1.cut(), 100)
    expect((await running).kind).toBe('lost')
    expect(session.alive).toBe(false)
  })

  test('a circle is an error', async () => {
    await config('Host a\n ProxyJump b\nHost b\n ProxyJump a')
    const error = await refused(transport().connect({ name: 'a', address: 'a', labels: {} }))
    expect(error).toMatchObject({ kind: 'usage', message: expect.stringContaining('circle') as string })
  })
})

describe('the session', () => {
  test('allows as many commands at once as the host does', async () => {
    const web1 = await server({ maxSessions: 1 })
    await trust(web1)
    const session = await transport().connect(hostOf(web1))
    const ends = await Promise.all(
      Array.from({ length: 6 }, (_, code) => session.exec(`sleep 0.05; exit ${code}`, { timeout: 10_000 })),
    )
    expect(ends).toEqual(ends.map((_, code) => ({ kind: 'exit', code })))
  })

  test('hears of an exit that comes with the start', async () => {
    const web1 = await server()
    await trust(web1)
    const session = await transport().connect(hostOf(web1))
    expect(await session.exec(instantExit, { timeout: 5_000 })).toEqual({ kind: 'exit', code: 7 })
  })

  test('holds at most four channels', async () => {
    const web1 = await server()
    await trust(web1)
    const session = await transport().connect(hostOf(web1))
    await Promise.all(Array.from({ length: 12 }, () => session.exec('sleep 0.05', { timeout: 10_000 })))
    expect(web1.mostSessions).toBe(4)
  })

  test('says that a host allows no session at all', async () => {
    const web1 = await server({ maxSessions: 0 })
    await trust(web1)
    const session = await transport().connect(hostOf(web1))
    expect(await session.exec('true', { timeout: 10_000 })).toMatchObject({
      kind: 'lost',
      because: expect.stringContaining('MaxSessions') as string,
    })
  })

  test('carries a forwarded connection to its end', async () => {
    const web1 = await server()
    await trust(web1)
    const app = createServer((socket) => socket.end('hello'))
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => app.close())
    const session = await transport().connect(hostOf(web1))
    expect(
      await text(await session.openTcp({ host: '127.0.0.1', port: (app.address() as AddressInfo).port })),
    ).toBe('hello')
  })
})

describe('the ssh config', () => {
  test('gives address, port, user and key of an alias', async () => {
    const web1 = await server()
    await trust(web1)
    await mkdir(join(place.home, 'keys'))
    await writeFile(join(place.home, 'keys', 'deploy-web.pem'), place.keys.private)
    await rm(identity('id_ed25519'))
    await config(`Include conf.d/*\nHost *\n IdentityFile ~/keys/%r-%n.pem`)
    await mkdir(join(place.home, '.ssh', 'conf.d'))
    await writeFile(
      join(place.home, '.ssh', 'conf.d', 'web'),
      `Host web\n HostName 127.0.0.1\n Port ${web1.port}\n`,
    )
    await works({ name: 'web', address: 'web', labels: {} })
  })

  test('ranks below our config', async () => {
    const web1 = await server()
    await trust(web1)
    await config('Host *\n Port 1\n User nobody')
    await works({ name: 'web1', address: '127.0.0.1', labels: {} }, { port: web1.port })
  })

  test('is left out when our config says so', async () => {
    const web1 = await server()
    await trust(web1)
    await config('Host *\n HostName 127.0.0.9')
    await works(hostOf(web1), { config: false })
  })

  test('with a ProxyCommand is an error that names it', async () => {
    await config('Host web1\n ProxyCommand touch /tmp/x')
    const error = await refused(transport().connect({ name: 'web1', address: 'web1', labels: {} }))
    expect(error).toMatchObject({ kind: 'usage' })
    expect(error.message).toContain('/.ssh/config:2: ProxyCommand is not supported by the client ssh2')
    expect(error.fix).toContain('ProxyJump')
  })

  test('with something that has no effect is warned about once', async () => {
    const web1 = await server()
    await trust(web1)
    await config('Match exec "false"\n Port 1')
    const events: DeliverEvent[] = []
    const made = transport({}, {}, events)
    await (await made.connect(hostOf(web1))).close()
    await (await made.connect(hostOf(web1))).close()
    expect(events).toEqual([{ type: 'warning', text: expect.stringContaining('Match exec') as string }])
  })
})

test.each([
  ['an option', { address: '-oProxyCommand=id' }],
  ['a command', { address: 'web1;id' }],
  ['a line break', { address: 'web1\nweb2' }],
  ['a space', { address: 'web1 web2' }],
  ['nothing', { address: '' }],
  ['a user with an option', { address: 'web1', user: '-l' }],
  ['a user with a command', { address: 'web1', user: '$(id)' }],
  ['a port of 0', { address: 'web1', port: 0 }],
  ['a port too high', { address: 'web1', port: 65_536 }],
  ['half a port', { address: 'web1', port: 22.5 }],
])('a host named by %s is a usage error', async (_name, host) => {
  expect((await refused(transport().connect({ name: 'web1', labels: {}, ...host }))).kind).toBe('usage')
})

describe.skipIf(process.platform === 'win32')('an agent', () => {
  test('holds the key of an encrypted file; a key of many is chosen by its public half', async () => {
    const agent = await startAgent()
    if (agent === undefined) return
    const web1 = await server()
    await trust(web1)
    for (let count = 0; count < 7; count++) await agent.add(makeKeys().private)
    await agent.add(place.keys.private)
    await rm(identity('id_ed25519'))
    await writeFile(identity('mine.pub'), place.keys.public)
    await works(
      hostOf(web1),
      { agent: true, identityFile: [identity('mine')] },
      { SSH_AUTH_SOCK: agent.socket },
    )
    expect(new Set(web1.logins).size).toBe(2)
  })
})

async function startAgent() {
  const socket = join(place.home, 'agent')
  const child: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const started = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false))
    child.stdout?.once('data', () => resolve(true))
  })
  if (!started) return undefined
  cleanups.push(() => child.kill())
  const add = (key: string) =>
    new Promise<void>((resolve, reject) => {
      const adding = spawn('ssh-add', ['-q', '-'], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      adding.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('ssh-add failed'))))
      adding.stdin.end(key)
    })
  return { socket, add }
}
