import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HealthConfig } from '../../config/types.js'
import { messageOf } from '../../errors.js'
import type { Probe } from './probe.js'

type HttpCheck = Extract<HealthConfig['check'], { kind: 'http' }>

/** Bodies are read up to this many bytes, so that an endless one ends with the probe and not with our memory. */
const bodyLimit = 64 * 1024

/**
 * One GET over the host's SSH connection. Good is a listed status within the signal's time, body included; a redirect
 * is never followed, because where it leads says nothing about this process.
 */
export async function probeHttp(check: HttpCheck, open: OpenTcp, signal: AbortSignal): Promise<Probe> {
  const url = new URL(check.url)
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  let socket: Duplex
  try {
    socket = await open({ host: url.hostname.replace(/^\[|\]$/g, ''), port }, signal)
  } catch (error) {
    return { ok: false, because: messageOf(error) }
  }
  try {
    const stream = url.protocol === 'https:' ? await secure(socket, url.hostname, signal) : socket
    return await get(check, url, stream, signal)
  } catch (error) {
    return { ok: false, because: signal.aborted ? 'no answer in time' : messageOf(error) }
  } finally {
    socket.destroy()
  }
}

export type OpenTcp = (
  address: { readonly host: string; readonly port: number },
  signal?: AbortSignal,
) => Promise<Duplex>

async function secure(socket: Duplex, servername: string, signal: AbortSignal): Promise<Duplex> {
  const { connect } = await import('node:tls')
  const host = servername.replace(/^\[|\]$/g, '')
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    // An address is checked against the certificate, but must not be sent as a server name (RFC 6066).
    const secured = connect({ socket, host, ...(isIP(host) === 0 ? { servername: host } : {}) }, () =>
      resolve(secured),
    )
    secured.on('error', reject)
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
  })
}

async function get(check: HttpCheck, url: URL, stream: Duplex, signal: AbortSignal): Promise<Probe> {
  const { request } = await import('node:http')
  return new Promise((resolve) => {
    const fail = (error: Error): void =>
      resolve({ ok: false, because: signal.aborted ? 'no answer in time' : error.message })
    // An `error` can still come after the answer (a reset while closing); unheard it would end the process.
    stream.on('error', fail)
    const ask = request({
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        'user-agent': 'deliver',
        accept: '*/*',
        connection: 'close',
        ...check.headers,
      },
      // Without an agent: an agent would open a connection of its own, from here.
      createConnection: () => stream,
      signal,
    })
    ask.on('error', fail)
    ask.on('upgrade', (response) => resolve(judge(check, response.statusCode ?? 0, undefined)))
    ask.on('close', () => fail(new Error('the connection closed before the answer ended')))
    ask.on('response', (response) => {
      let size = 0
      const status = response.statusCode ?? 0
      const verdict = (): void => resolve(judge(check, status, response.headers.location))
      response.on('error', fail)
      response.on('end', verdict)
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= bodyLimit) return
        verdict()
        response.destroy()
      })
    })
    ask.end()
  })
}

function judge(check: HttpCheck, status: number, location: string | undefined): Probe {
  if (check.status.includes(status)) return { ok: true }
  if (status >= 300 && status < 400)
    return { ok: false, because: `${status} redirects to ${location ?? 'nowhere'}; a redirect is not health` }
  return { ok: false, because: `answered ${status}, not ${check.status.join(' or ')}` }
}
