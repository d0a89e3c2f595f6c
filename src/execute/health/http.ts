import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HealthConfig } from '../../config/types.js'
import { messageOf } from '../../errors.js'
import { addressOf, bare, type Address } from './address.js'
import { judge, type HttpAnswer } from './answer.js'
import type { Probe } from './probe.js'

type HttpCheck = Extract<HealthConfig['check'], { kind: 'http' }>

/** Bodies are read up to this many bytes, so that an endless one ends with the probe and not with our memory. */
const bodyLimit = 64 * 1024

/** What an answer is held against, and how it is asked for. */
export interface HttpProbe {
  readonly check: HttpCheck
  /** The release that must have given the answer; undefined: any. */
  readonly release?: string
  readonly open: OpenTcp
  /** The time of the probe, body included. */
  readonly signal: AbortSignal
}

/**
 * One GET over the host's SSH connection. A redirect is never followed, because where it leads says nothing about this
 * process.
 */
export async function probeHttp(probe: HttpProbe): Promise<Probe> {
  const { check, open, signal } = probe
  const url = new URL(check.url)
  let socket: Duplex
  try {
    socket = await open(addressOf(url), signal)
  } catch (error) {
    return { ok: false, because: messageOf(error) }
  }
  try {
    const stream = url.protocol === 'https:' ? await secure(socket, check, signal) : socket
    return judge(await get(check, stream, signal), check, probe.release)
  } catch (error) {
    return { ok: false, because: signal.aborted ? 'no answer in time' : messageOf(error) }
  } finally {
    socket.destroy()
  }
}

export type OpenTcp = (address: Address, signal?: AbortSignal) => Promise<Duplex>

/** The name that the server is asked for by: that of the Host header, which a check by address needs for certificates. */
function serverName({ url, headers }: HttpCheck): string {
  const named = Object.entries(plain(headers)).find(([name]) => name.toLowerCase() === 'host')?.[1]
  const asUrl = named === undefined ? undefined : `https://${named}/`
  return bare(new URL(asUrl !== undefined && URL.canParse(asUrl) ? asUrl : url).hostname)
}

/** Secrets among the headers are read before a rollout begins; one that wasn't is a defect, and never sent. */
function plain(headers: HttpCheck['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (typeof value !== 'string') throw new Error(`the header ${name} was not read`)
      return [name, value]
    }),
  )
}

async function secure(socket: Duplex, check: HttpCheck, signal: AbortSignal): Promise<Duplex> {
  const { connect } = await import('node:tls')
  const host = serverName(check)
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const secured = connect(
      {
        socket,
        host,
        rejectUnauthorized: check.insecure !== true,
        // An address is checked against the certificate, but must not be sent as a server name (RFC 6066).
        ...(isIP(host) === 0 ? { servername: host } : {}),
      },
      () => resolve(secured),
    )
    secured.on('error', reject)
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
  })
}

async function get(check: HttpCheck, stream: Duplex, signal: AbortSignal): Promise<HttpAnswer> {
  const { request } = await import('node:http')
  const url = new URL(check.url)
  return new Promise((resolve, reject) => {
    // An `error` can still come after the answer (a reset while closing); unheard it would end the process.
    stream.on('error', reject)
    const ask = request({
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        'user-agent': 'deliver',
        accept: '*/*',
        connection: 'close',
        ...plain(check.headers),
      },
      // Without an agent: an agent would open a connection of its own, from here.
      createConnection: () => stream,
      signal,
    })
    ask.on('error', reject)
    ask.on('upgrade', ({ statusCode = 0, headers }) =>
      resolve({ status: statusCode, headers, body: '', cut: false }),
    )
    ask.on('close', () => reject(new Error('the connection closed before the answer ended')))
    ask.on('response', (response) => {
      const { statusCode: status = 0, headers } = response
      const chunks: Buffer[] = []
      let size = 0
      const answered = (cut: boolean): void => {
        const body = Buffer.concat(chunks).subarray(0, bodyLimit).toString()
        resolve({ status, headers, body, cut })
      }
      response.on('error', reject)
      response.on('end', () => answered(false))
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size <= bodyLimit) return
        answered(true)
        response.destroy()
      })
    })
    ask.end()
  })
}
