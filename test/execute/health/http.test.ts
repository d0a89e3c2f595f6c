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

async function probe(
  url: string,
  check: Partial<Check> = {},
  { time = 2_000, release = 'v2', address }: { time?: number; release?: string; address?: string } = {},
): Promise<Probe> {
  return probeHttp({
    check: { kind: 'http', url, status: [200], headers: {}, ...check },
    release,
    open: async ({ host, port }) => {
      const socket = connect({ host: address ?? host, port })
      await once(socket, 'connect')
      return socket
    },
    signal: AbortSignal.timeout(time),
  })
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

describe('the release that answers', () => {
  test.each<[string, Check['release'], Record<string, string>, string, RegExp | undefined]>([
    ['is named in the header', { header: 'X-Release' }, { 'x-release': ' v2' }, '', undefined],
    [
      'is another in the header',
      { header: 'X-Release' },
      { 'x-release': 'v1' },
      '',
      /of v1, not of v2: the old process/,
    ],
    ['is not in the header', { header: 'X-Release' }, {}, 'v2', /no X-Release/],
    ['is only similar', { header: 'X-Release' }, { 'x-release': 'v20' }, '', /of v20/],
    ['is the whole body', { body: true }, {}, 'v2', undefined],
    ['is in the body', { body: true }, {}, '{"release":"v2","pid":1}', undefined],
    ['ends a sentence', { body: true }, {}, 'This is v2.', undefined],
    ['is another in the body', { body: true }, {}, 'v1', /old process/],
    ['is part of another name', { body: true }, {}, 'v2.1 v20 v2-rc api-v2 xv2', /does not name v2/],
  ])('%s', async (_, release, headers, body, expected) => {
    const port = await serve((_, response) => response.writeHead(200, headers).end(body))
    const answer = await probe(`http://127.0.0.1:${port}/`, release === undefined ? {} : { release })
    if (expected === undefined) expect(answer).toEqual({ ok: true })
    else expect(why(answer)).toMatch(expected)
  })

  test('is looked for in the first 64 KiB', async () => {
    const port = await serve((_, response) => response.end(`${'x '.repeat(40_000)} v2`))
    expect(why(await probe(`http://127.0.0.1:${port}/`, { release: { body: true } }))).toContain(
      'first 64 KiB',
    )
  })
})

test.each([
  ['all is well', true],
  ['degraded', false],
])('a body that says "%s"', async (body, ok) => {
  const port = await serve((_, response) => response.end(body))
  const answer = await probe(`http://127.0.0.1:${port}/`, { contains: 'well' })
  expect(answer.ok).toBe(ok)
  if (!ok) expect(why(answer)).toBe('the answer lacks "well"')
})

describe('no answer', () => {
  test('in time', async () => {
    const port = await serve(() => undefined)
    expect(why(await probe(`http://127.0.0.1:${port}/`, {}, { time: 150 }))).toBe('no answer in time')
  })

  test('that ends in time: headers, and then drop by drop', async () => {
    const port = await serve((_, response) => {
      const timer = setInterval(() => response.write('.'), 20)
      closing.push(() => clearInterval(timer))
    })
    expect(why(await probe(`http://127.0.0.1:${port}/`, {}, { time: 200 }))).toBe('no answer in time')
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
    const answer = await probe(`http://127.0.0.1:${port}/`, {}, { time: 1_000 })
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
      const answer = await probe(`https://${host}:${port}/`, {}, { time: 5_000, address: '127.0.0.1' })
      expect(why(answer)).toMatch(/self-signed/)
    }
  })

  test('with any certificate is accepted where the config says so', async () => {
    const server = createSecureServer(selfSigned, (_, response) => response.end('ok'))
    const port = await listen(server)
    expect(await probe(`https://127.0.0.1:${port}/`, { insecure: true })).toEqual({ ok: true })
  })

  test('asks by the name of the Host header, and expects its certificate', async () => {
    const asked: unknown[] = []
    const server = createSecureServer(
      { ...selfSigned, SNICallback: (name, done) => (asked.push(name), done(null)) },
      (_, response) => response.end('ok'),
    )
    server.on('tlsClientError', () => undefined)
    const port = await listen(server)
    const check = { headers: { HOST: 'api.example:443' } }
    await probe(`https://127.0.0.1:${port}/`, { ...check, insecure: true })
    expect(asked).toEqual(['api.example'])
  })

  test('to a server without TLS is no answer', async () => {
    const port = await serve((_, response) => response.end('ok'))
    expect((await probe(`https://127.0.0.1:${port}/`, {}, { time: 2_000 })).ok).toBe(false)
  })

  test('to a server that never answers the handshake ends in time', async () => {
    const port = await raw('', 'stay')
    expect(why(await probe(`https://127.0.0.1:${port}/`, {}, { time: 200 }))).toBe('no answer in time')
  })
})
