import http from 'node:http'
import { once } from 'node:events'

/** Milliseconds for which a host that failed gets no requests, as long as another one is left. */
const failTimeout = 500

/**
 * A load balancer like a plain nginx `upstream`: round robin over the hosts; a host that can't be reached, or hangs up before
 * it answers, is passed over and the next one asked (`proxy_next_upstream error`). No active checks, no retry of what
 * isn't a GET, and an answer is an answer: a 500 goes to the client.
 */
export async function startBalancer(hosts) {
  const failedAt = new Map()
  let turn = 0

  function order() {
    const rotated = hosts.map((_, i) => hosts[(turn + i) % hosts.length])
    turn = (turn + 1) % hosts.length
    const resting = (host) => Date.now() - (failedAt.get(host) ?? 0) < failTimeout
    return [...rotated.filter((host) => !resting(host)), ...rotated.filter(resting)]
  }

  function attempt(request, response, candidates) {
    const [host, ...others] = candidates
    if (host === undefined) return response.writeHead(502).end('no host answers')
    const { method, url: path, headers } = request
    const upstream = http.request({
      host: '127.0.0.1',
      port: host.appPort,
      method,
      path,
      headers,
      agent: false,
    })
    upstream.once('response', (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
      answer.once('error', () => response.destroy()) // half an answer can't be taken back
    })
    upstream.once('error', () => {
      failedAt.set(host, Date.now())
      if (!response.headersSent) attempt(request, response, others)
    })
    upstream.end()
  }

  const server = http.createServer((request, response) => {
    if (request.method === 'GET') attempt(request, response, order())
    else response.writeHead(405).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
