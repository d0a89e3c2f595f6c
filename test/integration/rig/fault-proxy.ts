import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** What a request that comes by looks like. */
export interface Passing {
  readonly method: string
  readonly url: string
  /** `ACCESS-KEY-ID/DATE/REGION`: who signed it, as far as the header tells. */
  readonly signer: string
}

/**
 * `lose-answer`: the request is carried out, and its answer never arrives. `cut`: the answer ends after so many bytes. `strip`: without
 * these headers. `silence`: never an answer.
 * `rewrite`: goes to another URL of the emulator.
 */
export type Fault =
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'cut'; readonly after: number }
  | { readonly kind: 'strip'; readonly headers: readonly string[] }
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly body: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'silence' }
  | { readonly kind: 'rewrite'; readonly url: string }

export interface FaultProxy {
  readonly endpoint: string
  readonly passed: readonly Passing[]
  /** Asked for every request; undefined lets it through. */
  fault: (passing: Passing) => Fault | undefined
  stop(): Promise<void>
}

/** Stands before the emulator, and does to requests and answers what networks and services do. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const passed: Passing[] = []
  const server = createServer((incoming, outgoing) => {
    const signer = /Credential=([^/]+\/\d+\/[^/]+)\//.exec(incoming.headers.authorization ?? '')?.[1] ?? ''
    const passing = { method: incoming.method ?? '', url: incoming.url ?? '', signer }
    passed.push(passing)
    pass(target, incoming, outgoing, proxy.fault(passing))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    passed,
    fault: () => undefined,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

function pass(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
): void {
  incoming.on('error', () => undefined)
  outgoing.on('error', () => undefined)
  if (fault?.kind === 'silence') return void incoming.resume()
  if (fault?.kind === 'answer') {
    incoming.resume()
    incoming.on('end', () => outgoing.writeHead(fault.status, fault.headers).end(fault.body))
    return
  }
  const headers = { ...incoming.headers }
  if (fault?.kind === 'strip') for (const name of fault.headers) delete headers[name]
  const { hostname, port } = new URL(target)
  const forward = request(
    {
      hostname,
      port,
      method: incoming.method,
      path: fault?.kind === 'rewrite' ? fault.url : incoming.url,
      headers,
    },
    (answer) => {
      if (fault?.kind === 'lose-answer') {
        answer.resume()
        answer.on('end', () => outgoing.destroy())
        return
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      if (fault?.kind !== 'cut') return void answer.pipe(outgoing)
      let left = fault.after
      answer.on('data', (chunk: Buffer) => {
        outgoing.write(chunk.subarray(0, left), () => {
          if (left === 0) outgoing.destroy()
        })
        left = Math.max(0, left - chunk.length)
      })
      answer.on('end', () => outgoing.end())
    },
  )
  forward.on('error', () => outgoing.destroy())
  incoming.pipe(forward)
}
