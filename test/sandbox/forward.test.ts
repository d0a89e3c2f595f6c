import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import type { Client } from 'ssh2'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { forwardTarget } from '../../src/sandbox/forward.js'
import type { Sandbox } from '../../src/sandbox/sandbox.js'
import { connectThrough, login } from './client.js'
import { eventually, scratchSandbox } from './scratch.js'

const ports = { declared: 3000, real: 20_001 }

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '::1'])('%s on the declared port is the app', (destIP) => {
  expect(forwardTarget({ destIP, destPort: 3000 }, ports)).toBe(20_001)
})

test.each([
  ['localhost', 3001],
  ['localhost', 20_001],
  ['localhost', 22],
  ['10.0.0.1', 3000],
  ['localhost.example.com', 3000],
  ['', 3000],
])('%s:%i is nothing', (destIP, destPort) => {
  expect(forwardTarget({ destIP, destPort }, ports)).toBeUndefined()
})

describe('through a real connection', () => {
  let sandbox: Sandbox
  const clients: Client[] = []
  const servers: Server[] = []

  beforeAll(async () => {
    sandbox = await scratchSandbox({ hosts: 2, appPort: 3000 })
    for (const index of [0, 1]) clients.push(await login(sandbox, index))
    return () => clients.forEach((client) => client.end())
  })

  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  })

  async function app(
    host: number,
    onConnection: (socket: import('node:net').Socket) => void,
    address = '127.0.0.1',
  ) {
    const server = createServer({ allowHalfOpen: true }, onConnection)
    servers.push(server.listen(sandbox.hosts[host]!.appPort, address))
    await once(server, 'listening')
    return server
  }

  test('the same address on each host is that host’s app', async () => {
    await app(0, (socket) => socket.end('first'))
    await app(1, (socket) => socket.end('second'))
    const answers = clients.map(async (client) => text(await connectThrough(client, 'localhost', 3000)))
    expect(await Promise.all(answers)).toEqual(['first', 'second'])
  })

  test('an app that has only the IPv6 loopback is found', async () => {
    await app(0, (socket) => socket.end('six'), '::1')
    expect(await text(await connectThrough(clients[0]!, 'localhost', 3000))).toBe('six')
  })

  test('no app is a refusal, not an empty answer', async () => {
    await expect(connectThrough(clients[0]!, 'localhost', 3000)).rejects.toMatchObject({ reason: 2 })
  })

  test('other ports of this machine are out of reach', async () => {
    const other = createServer((socket) => socket.end('private'))
    servers.push(other.listen(0, '127.0.0.1'))
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(connectThrough(clients[0]!, '127.0.0.1', port)).rejects.toThrow('open failure')
  })

  test('8 MiB each way arrive whole', async () => {
    const sent = randomBytes(8 * 1024 * 1024)
    await app(0, (socket) => void socket.pipe(socket))
    const channel = await connectThrough(clients[0]!, 'localhost', 3000)
    const got = createHash('sha256')
    let left = sent.length
    channel.on('data', (chunk: Buffer) => {
      got.update(chunk)
      left -= chunk.length
      if (left === 0) channel.end()
    })
    channel.write(sent)
    await once(channel, 'close')
    expect(left).toBe(0)
    expect(got.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
  })

  test('what an app answers before it closes arrives whole, though the client reads late', async () => {
    const answer = randomBytes(6 * 1024 * 1024)
    await app(0, (socket) => socket.end(answer))
    const channel = await connectThrough(clients[0]!, 'localhost', 3000)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((await buffer(channel)).equals(answer)).toBe(true)
  })

  test('an app that resets ends the channel', async () => {
    await app(0, (socket) => void socket.once('data', () => socket.resetAndDestroy()))
    const channel = await connectThrough(clients[0]!, 'localhost', 3000)
    channel.resume().write('x')
    await once(channel, 'close')
  })

  test('a client that goes away ends the app’s connection', async () => {
    let open = 0
    await app(0, (socket) => {
      open++
      socket.on('error', () => {})
      socket.once('close', () => open--)
      socket.resume().once('end', () => socket.destroy())
    })
    const own = await login(sandbox)
    await connectThrough(own, 'localhost', 3000)
    await eventually('connected', () => open === 1)
    own.destroy()
    await eventually('gone', () => open === 0)
  })
})
