import { request } from 'node:http'

export interface Answer {
  readonly release: string
  readonly host: string
  readonly pid: number
}

export interface TrafficReport {
  readonly requests: number
  /** Requests that no host answered with 200, with the reasons of each attempt. */
  readonly failures: readonly string[]
  /** Release -> number of answers. */
  readonly releases: ReadonlyMap<string, number>
  readonly hosts: ReadonlyMap<string, number>
}

export interface Traffic {
  stop(): Promise<TrafficReport>
}

export interface TrafficOptions {
  /** `address:port` of each host. */
  readonly targets: readonly string[]
  readonly path?: string
  /** Requests on their way at any time. */
  readonly clients?: number
}

/**
 * Constant requests through what a usual balancer does: round robin, and the next host when one refuses or drops a
 * request before it has answered (nginx: `proxy_next_upstream error timeout`). An answer, once begun, is what the client gets.
 */
export function startTraffic(options: TrafficOptions): Traffic {
  const { targets, path = '/', clients = 4 } = options
  const failures: string[] = []
  const releases = new Map<string, number>()
  const hosts = new Map<string, number>()
  let requests = 0
  let turn = 0
  let stopped = false

  async function one(): Promise<void> {
    requests += 1
    const first = turn++
    const reasons: string[] = []
    for (let attempt = 0; attempt < targets.length; attempt += 1) {
      const target = targets[(first + attempt) % targets.length] ?? ''
      const got = await ask(target, path)
      if (typeof got !== 'string') {
        releases.set(got.release, (releases.get(got.release) ?? 0) + 1)
        hosts.set(got.host, (hosts.get(got.host) ?? 0) + 1)
        return
      }
      reasons.push(`${target}: ${got}`)
      if (got.startsWith('status')) break
    }
    failures.push(`request ${requests}: ${reasons.join('; ')}`)
  }

  const loops = Array.from({ length: clients }, async () => {
    while (!stopped) await one()
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(loops)
      return { requests, failures, releases, hosts }
    },
  }
}

/** One attempt at one host: its answer, or why there is none. */
export function ask(target: string, path: string): Promise<Answer | string> {
  return new Promise((resolve) => {
    const sent = request(`http://${target}${path}`, { agent: false, timeout: 5_000 }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (body += text))
      response.on('error', (error) => resolve(`status ${response.statusCode}, then ${error.message}`))
      response.on('end', () => {
        resolve(response.statusCode === 200 ? parse(body) : `status ${response.statusCode}`)
      })
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer within 5 s')))
    sent.on('error', (error) => resolve(error.message))
    sent.end()
  })
}

function parse(body: string): Answer | string {
  const value: unknown = JSON.parse(body)
  if (typeof value !== 'object' || value === null) return 'status 200 with a foreign body'
  const { release, host, pid }: { release?: unknown; host?: unknown; pid?: unknown } = value
  return typeof release === 'string' && typeof host === 'string' && typeof pid === 'number'
    ? { release, host, pid }
    : 'status 200 with a foreign body'
}
