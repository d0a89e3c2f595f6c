import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.js'
import { ask } from './traffic.js'

/** A real HAProxy in front of the hosts, set up as teams do: its own health checks, and another host when one can't be connected to. */
export interface Balancer {
  /** `address:port`. */
  readonly address: string
  stop(): Promise<void>
}

/** `targets`: `address:port` of each host. */
export async function startBalancer(targets: readonly string[]): Promise<Balancer> {
  const directory = await mkdtemp(join(tmpdir(), 'balancer-'))
  const port = await freePort('127.0.0.1')
  const file = join(directory, 'haproxy.cfg')
  await writeFile(file, settings(port, targets))
  // -db: in the foreground, so that it ends with its one process.
  const haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [haproxy.stdout, haproxy.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)))
  haproxy.on('error', (error) => (said += error.message))
  const address = `127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    if (haproxy.pid !== undefined && haproxy.exitCode === null && haproxy.signalCode === null) {
      haproxy.kill('SIGKILL')
      await once(haproxy, 'exit')
    }
    await rm(directory, { recursive: true, force: true })
  }
  const deadline = Date.now() + 20_000
  while ((await ask(address, '/')) === 'connect ECONNREFUSED ' + address) {
    if (Date.now() > deadline || haproxy.exitCode !== null) {
      await stop()
      throw new Error(`haproxy does not start: ${said}`)
    }
    await sleep(50)
  }
  return { address, stop }
}

function settings(port: number, targets: readonly string[]): string {
  const servers = targets.map(
    (target, index) => `  server web${index + 1} ${target} check inter 200ms fall 2 rise 2`,
  )
  return `defaults
  mode http
  timeout connect 1s
  timeout client 20s
  timeout server 20s
  timeout queue 20s
  retries 3
  option redispatch 1
  # A request that no host has begun to answer goes to another one.
  retry-on conn-failure empty-response
frontend all
  bind 127.0.0.1:${port}
  default_backend app
backend app
  balance roundrobin
  option httpchk GET /health
  http-check expect status 200
${servers.join('\n')}
`
}
