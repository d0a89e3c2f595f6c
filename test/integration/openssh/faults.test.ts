import { setTimeout as sleep } from 'node:timers/promises'
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SshConfig } from '../../../src/config/types.js'
import type { Ended, Session } from '../../../src/ports.js'
import { makeKeyFiles } from '../rig/sshd.js'
import type { Sshd } from '../rig/sshd.js'
import { hostOf, Place } from './place.js'

const execute = promisify(execFile)
const megabyte = 1024 * 1024
/** With DELIVER_LONG=1 every fault through either client. Both pass one contract, and its faults, in any case. */
const clients = process.env['DELIVER_LONG'] === '1' ? (['ssh2', 'openssh'] as const) : (['ssh2'] as const)
let client: 'ssh2' | 'openssh' = 'ssh2'
let place: Place

beforeEach(async () => {
  place = await Place.make()
})

afterEach(() => place.remove())

async function trusted(settings: Readonly<Record<string, string>> = {}): Promise<Sshd> {
  const server = await place.server(31, settings)
  await place.trust(server)
  return server
}

const open = (server: Sshd, ssh: Partial<SshConfig> = {}, env: NodeJS.ProcessEnv = {}) =>
  place.transport({ client, ...ssh }, env).connect(hostOf(server))

/** Sends so many megabytes; gives the digests of both sides. */
async function upload(session: Session, megabytes: number) {
  const hash = createHash('sha256')
  const block = randomBytes(megabyte)
  const source = Readable.from(
    (function* () {
      for (let count = 0; count < megabytes; count++) {
        hash.update(block)
        yield block
      }
    })(),
  )
  let output = ''
  const ended = await session.exec('sha256sum', {
    timeout: 120_000,
    stdin: source,
    onStdout: (chunk) => (output += chunk.toString()),
  })
  return { ended, here: hash.digest('hex'), there: output.slice(0, 64) }
}

function endless(): Readable {
  return new Readable({
    read() {
      this.push(Buffer.alloc(65_536))
    },
  })
}

/** A connection that stays before its login. The rig's own probe may hold a place for a moment longer. */
async function occupy({ options }: Sshd): Promise<Socket> {
  for (;;) {
    const socket = createConnection(options.port, options.address).on('error', () => {})
    const greeting = await new Promise<string>((resolve) => {
      socket.once('data', (chunk) => resolve(chunk.toString()))
      socket.once('close', () => resolve(''))
    })
    if (greeting.startsWith('SSH-')) return socket
    socket.destroy()
  }
}

const because = (ended: Ended) => (ended.kind === 'lost' ? ended.because : ended.kind)

describe.each(clients)('data, by %s', (each) => {
  beforeEach(() => {
    client = each
  })

  test('100 MB arrive whole', async () => {
    const session = await open(await trusted())
    const { ended, here, there } = await upload(session, 100)
    expect(ended).toEqual({ kind: 'exit', code: 0 })
    expect(there).toBe(here)
  })

  test('64 MiB arrive whole through a key exchange per megabyte', async () => {
    const session = await open(await trusted({ RekeyLimit: '1M' }))
    const { ended, here, there } = await upload(session, 64)
    expect(ended).toEqual({ kind: 'exit', code: 0 })
    expect(there).toBe(here)
    expect(session.alive).toBe(true)
  })

  test('a flood of output needs no memory', async () => {
    const session = await open(await trusted())
    const before = process.memoryUsage().rss
    let [size, most] = [0, 0]
    const onStdout = (chunk: Buffer) => {
      size += chunk.length
      most = Math.max(most, process.memoryUsage().rss)
    }
    expect(await session.exec(`head -c ${400 * megabyte} /dev/zero`, { timeout: 120_000, onStdout })).toEqual(
      { kind: 'exit', code: 0 },
    )
    expect(size).toBe(400 * megabyte)
    expect(most - before).toBeLessThan(150 * megabyte)
  })
})

describe.each(clients)('what is lost, by %s', (each) => {
  beforeEach(() => {
    client = each
  })

  test('a command that is killed from outside is a signal', async () => {
    const session = await open(await trusted())
    let pid = ''
    const running = session.exec('echo $$; exec sleep 30', {
      timeout: 20_000,
      onStdout: (chunk) => {
        pid = chunk.toString().trim()
        process.kill(Number(pid), 'SIGKILL')
      },
    })
    expect(await running).toEqual({ kind: 'signal', signal: 'SIGKILL' })
  })

  test('an sshd that is killed in a transfer is lost, at once', async () => {
    const server = await trusted()
    const session = await open(server)
    const sending = session.exec('cat >/dev/null', { timeout: 60_000, stdin: endless() })
    await sleep(300)
    // Finding its processes takes long on a busy machine: what counts begins when they are gone.
    await server.signalSessions('SIGKILL')
    const killed = Date.now()
    expect(because(await sending)).toMatch(/lost|closed/)
    expect(Date.now() - killed).toBeLessThan(5_000)
    await expect.poll(() => session.alive).toBe(false)
  })

  test('an sshd that is stopped is noticed by its silence', async () => {
    const server = await trusted()
    const session = await open(server, { keepalive: 400 })
    const running = session.exec('sleep 60', { timeout: 50_000 })
    const before = Date.now()
    await server.signalSessions('SIGSTOP')
    expect(because(await running)).toMatch(/keepalive|not responding/)
    expect(Date.now() - before).toBeLessThan(10_000)
    expect(session.alive).toBe(false)
  })

  test('a quiet command is not taken for a silent host', async () => {
    const session = await open(await trusted(), { keepalive: 200 })
    expect(await session.exec('sleep 3', { timeout: 20_000 })).toEqual({ kind: 'exit', code: 0 })
  })

  test('a stopped listener is given up after the connect timeout', async () => {
    const server = await trusted()
    process.kill(server.pid, 'SIGSTOP')
    await expect(open(server, { connectTimeout: 500 })).rejects.toThrow('within 0.5 s')
  })

  test('a background child that holds stdout does not hold the end', async () => {
    const session = await open(await trusted())
    const before = Date.now()
    expect(await session.exec('sleep 20 & exit 6', { timeout: 60_000 })).toEqual({ kind: 'exit', code: 6 })
    expect(Date.now() - before).toBeLessThan(10_000)
  })
})

describe.each(clients)('limits, by %s', (each) => {
  beforeEach(() => {
    client = each
  })

  test('MaxSessions 1: commands take turns', async () => {
    const session = await open(await trusted({ MaxSessions: '1' }))
    const ends = await Promise.all(
      Array.from({ length: 8 }, (_, code) => session.exec(`exit ${code}`, { timeout: 30_000 })),
    )
    expect(ends).toEqual(ends.map((_, code) => ({ kind: 'exit', code })))
  })

  test('MaxStartups: a crowded sshd is tried again until there is room', async () => {
    const server = await trusted({ MaxStartups: '2:100:2' })
    const idle = [await occupy(server), await occupy(server)]
    await expect(open(server)).rejects.toThrow(
      /host closed the connection during the|Connection (closed|reset) by/,
    )
    setTimeout(() => idle.forEach((socket) => socket.destroy()), 700)
    const session = await open(server, { retries: 5 })
    expect(await session.exec('exit 2', { timeout: 10_000 })).toEqual({ kind: 'exit', code: 2 })
  })

  test('a port that nobody listens on is no matter of the configuration', async () => {
    const session = await open(await trusted())
    await expect(session.openTcp({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({ kind: 'failed' })
  })

  test('AllowTcpForwarding no: the refusal says so', async () => {
    const session = await open(await trusted({ AllowTcpForwarding: 'no' }))
    await expect(session.openTcp({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringContaining('AllowTcpForwarding') as string,
    })
  })
})

describe('keys, by ssh2', () => {
  beforeEach(() => {
    client = 'ssh2'
  })

  test('an encrypted key needs an agent, which may hold many', async () => {
    const server = await trusted()
    const locked = await makeKeyFiles(join(place.home, 'locked'), { passphrase: 'secret' })
    await expect(open(server, { identityFile: [locked.path] })).rejects.toThrow(
      'is encrypted, and there is no ssh agent',
    )

    const SSH_AUTH_SOCK = join(place.home, 'agent')
    const agent = spawn('ssh-agent', ['-D', '-a', SSH_AUTH_SOCK], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      await once(agent.stdout, 'data')
      const env = { SSH_AUTH_SOCK }
      await expect(open(server, { agent: true, identityFile: [locked.path] }, env)).rejects.toThrow(
        'the ssh agent does not hold it',
      )
      const types = ['ed25519', 'rsa', 'ecdsa'] as const
      for (let count = 0; count < 7; count++) {
        const { path } = await makeKeyFiles(join(place.home, `extra-${count}`), {
          type: types[count % 3] ?? 'ed25519',
        })
        await execute('ssh-add', ['-q', path], { env: { ...process.env, ...env } })
      }
      await execute('ssh-add', ['-q', place.client.path], { env: { ...process.env, ...env } })
      // Only the public half is left here: it chooses the right one of eight.
      await rm(place.client.path)
      const session = await open(server, { agent: true, identityFile: [place.client.path] }, env)
      expect(await session.exec('exit 4', { timeout: 10_000 })).toEqual({ kind: 'exit', code: 4 })
      // A connection that is open needs the agent no more.
      agent.kill()
      expect(await session.exec('exit 5', { timeout: 10_000 })).toEqual({ kind: 'exit', code: 5 })
    } finally {
      agent.kill()
    }
  })

  test.each(['rsa', 'ecdsa'] as const)('an %s key logs in', async (type) => {
    const key = await makeKeyFiles(join(place.home, type), { type })
    const server = await place.server(32, {}, undefined, [key.public])
    await place.trust(server)
    const session = await open(server, { identityFile: [key.path] })
    expect(await session.exec('exit 4', { timeout: 10_000 })).toEqual({ kind: 'exit', code: 4 })
  })
})
