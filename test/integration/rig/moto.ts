import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** An AWS emulator that others wrote (moto): S3, Auto Scaling, EC2 and the load balancers, over HTTP, with its own state. */
export interface Moto {
  /** `http://127.0.0.1:PORT`. */
  readonly endpoint: string
  /** What a process needs to talk to it with the SDK or a command line tool. */
  readonly env: Readonly<Record<string, string>>
  /** Forgets everything. */
  reset(): Promise<void>
  stop(): Promise<void>
}

const credentials = {
  AWS_ACCESS_KEY_ID: 'testing',
  AWS_SECRET_ACCESS_KEY: 'testing-secret',
  AWS_REGION: 'eu-west-1',
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** `address`: where it listens; a bridge's own address, so that hosts of the rig reach it too. */
export async function startMoto(address = '127.0.0.1'): Promise<Moto> {
  const server = spawn('moto_server', ['-H', address, '-p', '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const port = await portOf(server)
  const endpoint = `http://${address}:${port}`
  return {
    endpoint,
    env: { ...credentials, AWS_ENDPOINT_URL: endpoint },
    reset: async () => {
      const answer = await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' })
      if (!answer.ok) throw new Error(`moto could not be reset: ${answer.status}`)
    },
    stop: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return
      server.kill('SIGKILL')
      await once(server, 'exit')
    },
  }
}

/** It tells the port that it got in a line of its log. */
async function portOf(server: ChildProcess): Promise<number> {
  const said: string[] = []
  const { stdout, stderr } = server
  if (stdout === null || stderr === null) throw new Error('moto has no output')
  stdout.resume()
  const found = new Promise<number>((resolve, reject) => {
    // Read to the end, so that a full pipe never stops it.
    createInterface(stderr).on('line', (line) => {
      if (said.length < 50) said.push(line)
      const port = /Running on http:\/\/[^ ]*:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
    server.once('error', (error) =>
      reject(new Error("moto doesn't start: pip install 'moto[server]'", { cause: error })),
    )
    server.once('exit', (code) => reject(new Error(`moto ended with ${code}:\n${said.join('\n')}`)))
  })
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`moto told no port:\n${said.join('\n')}`)), 60_000).unref()
  })
  return Promise.race([found, late])
}
