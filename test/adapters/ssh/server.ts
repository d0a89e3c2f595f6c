import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Readable } from 'node:stream'
import ssh2 from 'ssh2'
import type { AuthContext, Connection, ServerChannel, Session } from 'ssh2'
import { ChannelOutput } from '../../../src/sandbox/channel-output.js'

/** A command that this server answers with its start, its exit (7) and its end in one packet. */
export const instantExit = 'instant exit'

/** A key pair in the formats that ssh2 takes. */
export interface Keys {
  readonly private: string
  readonly public: string
}

export function makeKeys(): Keys {
  // About one in two hundred of ssh2's keys is one that it can't read itself.
  for (;;) {
    const keys = ssh2.utils.generateKeyPairSync('ed25519')
    if (!(ssh2.utils.parseKey(keys.private) instanceof Error)) return keys
  }
}

/** The public half in wire format. */
export function wireKey(keys: Keys): Buffer {
  const parsed = ssh2.utils.parseKey(keys.public)
  if (parsed instanceof Error) throw parsed
  return parsed.getPublicSSH()
}

export interface TestServerOptions {
  readonly hostKeys?: readonly Keys[]
  /** Who may log in. */
  readonly clients?: readonly Keys[]
  readonly maxSessions?: number
  /** Refuse forwarding as an sshd does that forbids it. */
  readonly forbidForwarding?: boolean
  /** Connections to cut before the banner. */
  readonly cutBeforeBanner?: number
  /** Accept connections and never answer. */
  readonly mute?: boolean
}

export interface TestServer {
  readonly port: number
  readonly hostKeys: readonly Keys[]
  /** TCP connections so far. */
  connections: number
  /** Every login method that was asked for, as "method" or "publickey <base64>". */
  readonly logins: string[]
  /** Where clients asked to be forwarded to. */
  readonly forwards: string[]
  /** Most sessions open at once on one connection. */
  mostSessions: number
  /** Ends all connections at once, without a goodbye. */
  cut(): void
  stop(): Promise<void>
}

/** An SSH server in this process that runs commands with /bin/sh, and misbehaves on request. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const hostKeys = options.hostKeys ?? [makeKeys()]
  const sockets = new Set<Socket>()
  const stops = new Set<() => void>()
  const ssh = new ssh2.Server({ hostKeys: hostKeys.map((keys) => keys.private) }, (client) =>
    serve(client, options, state, { stops, sockets }),
  )
  const tcp = createServer((socket) => {
    state.connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    if (options.mute === true) return
    if (state.connections <= (options.cutBeforeBanner ?? 0)) socket.destroy()
    else ssh.injectSocket(socket)
  })
  const state = {
    port: 0,
    hostKeys,
    connections: 0,
    logins: [] as string[],
    forwards: [] as string[],
    mostSessions: 0,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    stop: async () => {
      for (const stop of stops) stop()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => tcp.close(resolve))
    },
  }
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  state.port = (tcp.address() as AddressInfo).port
  return state
}

interface Running {
  readonly stops: Set<() => void>
  readonly sockets: ReadonlySet<Socket>
}

function serve(
  client: Connection,
  options: TestServerOptions,
  state: TestServer,
  { stops, sockets }: Running,
): void {
  let open = 0
  const allowed = (options.clients ?? []).map(wireKey)
  client.setMaxListeners(0)
  client.on('error', () => {})
  client.on('authentication', (login) => authenticate(login, allowed, state))
  client.on('session', (accept, reject) => {
    if (open >= (options.maxSessions ?? 10)) return void reject()
    state.mostSessions = Math.max(state.mostSessions, ++open)
    serveSession(accept(), { client, stops, sockets }, () => open--)
  })
  client.on('tcpip', (accept, reject, info) => {
    state.forwards.push(`${info.destIP}:${info.destPort}`)
    // ssh2 rejects with "administratively prohibited" or "connect failed" only by itself; both are what sshd would say.
    if (options.forbidForwarding === true) return void reject()
    const upstream = createConnection(info.destPort, info.destIP)
    let channel: ServerChannel | undefined
    upstream.once('connect', () => {
      channel = accept()
      channel.on('error', () => upstream.destroy())
      channel.on('close', () => upstream.destroy())
      upstream.pipe(channel).pipe(upstream)
    })
    upstream.on('error', () => (channel === undefined ? reject() : channel.close()))
    client.on('close', () => upstream.destroy())
  })
}

function authenticate(login: AuthContext, allowed: readonly Buffer[], state: TestServer): void {
  if (login.method !== 'publickey') {
    state.logins.push(login.method)
    return login.reject(['publickey'])
  }
  state.logins.push(`publickey ${login.key.data.toString('base64')}`)
  if (!allowed.some((key) => key.equals(login.key.data))) return login.reject(['publickey'])
  if (login.signature === undefined || login.blob === undefined) return login.accept()
  const key = ssh2.utils.parseKey(login.key.data)
  if (!(key instanceof Error) && key.verify(login.blob, login.signature, login.hashAlgo)) login.accept()
  else login.reject(['publickey'])
}

function serveSession(
  session: Session,
  { client, stops, sockets }: Running & { client: Connection },
  onClose: () => void,
): void {
  session.once('close', onClose)
  session.once('exec', (accept, _reject, { command }) => {
    if (command === instantExit) return exitAtOnce(accept, sockets)
    const channel = accept()
    // Its own group, so that a stop reaches background children, too.
    const child = spawn('/bin/sh', ['-c', command], { detached: true })
    const kill = () => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended already.
      }
    }
    stops.add(kill)
    channel.on('error', () => {})
    child.stdin.on('error', () => {})
    channel.pipe(child.stdin)
    child.on('exit', (code, signal) => {
      if (code !== null) channel.exit(code)
      else channel.exit((signal ?? 'SIGKILL').slice('SIG'.length))
    })
    const output = new ChannelOutput(channel)
    const pumped = Promise.all([
      pump(child.stdout, output, 'stdout'),
      pump(child.stderr, output, 'stderr'),
      once(child, 'exit'),
    ])
    channel.on('close', () => {
      child.stdout.destroy()
      child.stderr.destroy()
    })
    void pumped.then(() => {
      stops.delete(kill)
      channel.close()
    })
    client.on('close', () => {
      child.stdin.destroy()
      kill()
    })
  })
}

async function pump(source: Readable, output: ChannelOutput, stream: 'stdout' | 'stderr'): Promise<void> {
  try {
    for await (const chunk of source) if (Buffer.isBuffer(chunk)) await output.write(stream, chunk)
  } catch {
    // Destroyed, because the channel was closed.
  }
}

function exitAtOnce(accept: () => ServerChannel, sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.cork()
  const channel = accept()
  channel.exit(7)
  channel.end()
  setImmediate(() => {
    for (const socket of sockets) socket.uncork()
  })
}
