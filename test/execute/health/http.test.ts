import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect, createServer as createTcpServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { HealthConfig } from '../../../src/config/types.js'
import { probeHttp } from '../../../src/execute/health/http.js'
import type { Probe } from '../../../src/execute/health/probe.js'
import { selfSigned } from './self-signed.js'

type Check = Extract<HealthConfig['check'], { kind: 'http' }>

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  closing.push(() => server.closeAllConnections())
  return listen(server)
}

/** A server that answers with these bytes, whatever it is asked. */
function raw(text: string, then: 'end' | 'reset' | 'stay'): Promise<number> {
  const server = createTcpServer((socket) => {
    closing.push(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(text, () => {
        if (then === 'end') socket.end()
        if (then === 'reset') socket.resetAndDestroy()
      })
    })
  })
  return listen(server)
}

async function probe(url: string, check: Partial<Check> = {}, time = 2_000): Promise<Probe> {
  return probeHttp(
    { kind: 'http', url, status: [200], headers: {}, ...check },
    async ({ host, port }) => {
      const socket = connect({ host, port })
      await once(socket, 'connect')
      return socket
    },
    AbortSignal.timeout(time),
  )
}

const why = (answer: Probe): string => (answer.ok ? 'ok' : answer.because)

describe('an answer', () => {
  test.each([
    [200, [200], true],
    [204, [200], false],
    [204, [200, 204], true],
    [404, [200], false],
    [500, [200], false],
    [503, [503], true],
    [301, [200], false],
  ])('of %i, where %j is healthy: %s', async (status, wanted, ok) => {
    const port = await serve((_, response) => response.writeHead(status, { location: '/login' }).end('body'))
    expect((await probe(`http://127.0.0.1:${port}/`, { status: wanted })).ok).toBe(ok)
  })

  test('that redirects is not followed, and says so', async () => {
    let asked = 0
    const port = await serve((_, response) => {
      asked++
      response.writeHead(302, { location: `/elsewhere` }).end()
    })
    expect(why(await probe(`http://127.0.0.1:${port}/`))).toContain('redirects to /elsewhere')
    expect(asked).toBe(1)
  })

  test('is asked for with GET, the path, the query, the name and the headers of the config', async () => {
    let seen: unknown
    const port = await serve((request, response) => {
      const { method, url, headers } = request
      seen = [method, url, headers.host, headers['x-check']]
      response.end('ok')
    })
    const answer = await probe(`http://127.0.0.1:${port}/health?deep=1`, {
      headers: { host: 'app.example', 'x-check': 'yes' },
    })
    expect(answer.ok).toBe(true)
    expect(seen).toEqual(['GET', '/health?deep=1', 'app.example', 'yes'])
  })

  test('without an end is judged by its status once it is long enough', async () => {
    const port = await serve((_, response) => {
      const more = (): void => void (response.writable && response.write(Buffer.alloc(16_384), () => more()))
      more()
    })
    expect((await probe(`http://127.0.0.1:${port}/`)).ok).toBe(true)
  })
})

describe('no answer', () => {
  test('in time', async () => {
    const port = await serve(() => undefined)
    expect(why(await probe(`http://127.0.0.1:${port}/`, {}, 150))).toBe('no answer in time')
  })

  test('that ends in time: headers, and then drop by drop', async () => {
    const port = await serve((_, response) => {
      const timer = setInterval(() => response.write('.'), 20)
      closing.push(() => clearInterval(timer))
    })
    expect(why(await probe(`http://127.0.0.1:${port}/`, {}, 200))).toBe('no answer in time')
  })

  test('from a port where nobody listens', async () => {
    const port = await serve(() => undefined)
    closing.splice(0).forEach((close) => close())
    expect(why(await probe(`http://127.0.0.1:${port}/`))).toContain('ECONNREFUSED')
  })

  test.each([
    ['a reset in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', 'reset'],
    ['an end in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', 'end'],
    ['an end in the headers', 'HTTP/1.1 200 OK\r\nContent-', 'end'],
    ['nothing at all', '', 'end'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 'stay'],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'stay',
    ],
  ] as const)('that is whole: %s', async (_, text, then) => {
    const port = await raw(text, then)
    const answer = await probe(`http://127.0.0.1:${port}/`, {}, 1_000)
    expect(answer.ok).toBe(false)
    expect(why(answer)).not.toBe('')
  })
})

describe('https', () => {
  test('with a certificate that nobody signed is refused, by name and by address', async () => {
    const server = createSecureServer(selfSigned, (_, response) => response.end('ok'))
    server.on('tlsClientError', () => undefined)
    const port = await listen(server)
    for (const host of ['localhost', '127.0.0.1']) {
      const answer = await probeHttp(
        { kind: 'http', url: `https://${host}:${port}/`, status: [200], headers: {} },
        async () => {
          const socket = connect({ host: '127.0.0.1', port })
          await once(socket, 'connect')
          return socket
        },
        AbortSignal.timeout(5_000),
      )
      expect(why(answer)).toMatch(/self-signed/)
    }
  })

  test('to a server without TLS is no answer', async () => {
    const port = await serve((_, response) => response.end('ok'))
    expect((await probe(`https://127.0.0.1:${port}/`, {}, 2_000)).ok).toBe(false)
  })

  test('to a server that never answers the handshake ends in time', async () => {
    const port = await raw('', 'stay')
    expect(why(await probe(`https://127.0.0.1:${port}/`, {}, 200))).toBe('no answer in time')
  })
})
