import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from 'ssh2'
import type { Sandbox } from '../../src/sandbox/sandbox.js'

/** Logs in to a sandbox host. */
export async function login(sandbox: Sandbox, host = 0, more: ConnectConfig = {}): Promise<Client> {
  const client = new ssh2.Client()
  client.on('error', () => {}) // a reset may follow the first error, and the end
  const { sshPort } = sandbox.hosts[host]!
  const own = 'privateKey' in more ? {} : { privateKey: await readFile(sandbox.identityFile) }
  await new Promise<void>((resolve, reject) => {
    client.once('ready', () => resolve()).once('error', reject)
    client.connect({ host: '127.0.0.1', port: sshPort, username: 'deploy', ...own, ...more })
  })
  client.setNoDelay(true)
  return client
}

export interface Ended {
  readonly code: number | null | undefined
  readonly signal: string | undefined
  readonly stdout: Buffer
  readonly stderr: Buffer
}

export interface Opened {
  readonly channel: ClientChannel
  /** Resolves at the close of the channel. */
  readonly ended: Promise<Ended>
}

export function open(client: Client, command: string): Promise<Opened> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      // Listening in the same turn: a short command's end comes in the same packet as its start.
      if (error) reject(error)
      else resolve({ channel, ended: listen(channel) })
    })
  })
}

/** Runs a command to the close of its channel. */
export async function run(client: Client, command: string, stdin?: Buffer | Readable): Promise<Ended> {
  const { channel, ended } = await open(client, command)
  if (stdin === undefined || Buffer.isBuffer(stdin)) channel.end(stdin)
  else stdin.pipe(channel)
  return ended
}

function listen(channel: ClientChannel): Promise<Ended> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  let end: { code: number | null; signal: string | undefined } | undefined
  channel.on('data', (chunk: Buffer) => stdout.push(chunk))
  channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  channel.on('exit', (code: number | null, signal?: string) => (end = { code, signal }))
  return new Promise((resolve) => {
    channel.once('close', () => {
      const told = { code: end?.code, signal: end?.signal }
      resolve({ ...told, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) })
    })
  })
}

export async function connectThrough(client: Client, host: string, port: number): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, host, port, (error, channel) =>
      error ? reject(error) : resolve(channel),
    )
  })
}
