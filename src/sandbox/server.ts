import { createServer, type Socket } from 'node:net'
import type { AuthContext, Connection, ParsedKey } from 'ssh2'
import { runCommand, type CommandPlace, type RunningCommand } from './command.js'
import { forward, forwardTarget, type ForwardAddress } from './forward.js'
import { sandboxUser } from './host-directory.js'
import { listenOnPair, type PortPair } from './port-pair.js'
import { loadSsh2 } from './ssh2.js'

export interface SshServerOptions {
  /** Private key in OpenSSH's format. */
  readonly hostKey: string
  /** The one key that may log in, in the one-line form. */
  readonly clientKey: string
  readonly place: CommandPlace
  /** The app's port as the config names it. */
  readonly declaredPort: number
  /** Taken if it is free. */
  readonly wantedSshPort?: number | undefined
}

export interface SshServer {
  readonly ports: PortPair
  /** Closes all connections and kills the commands that still run. */
  stop(): Promise<void>
}

/** As many as a stock sshd allows (MaxSessions). */
const maxSessions = 10

/** An SSH server in front of a real shell: commands and forwarding to the app; no terminals, agents, X11, files. */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const ssh2 = await loadSsh2()
  const clientKey = ssh2.utils.parseKey(options.clientKey)
  if (clientKey instanceof Error) throw clientKey

  const sockets = new Set<Socket>()
  const commands = new Set<RunningCommand>()
  const ssh = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) =>
    serve(client, { clientKey, place: options.place, commands, targetOf: (request) => targetOf(request) }),
  )
  // A TCP server of our own, for ssh2's can't end its connections.
  const tcp = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    ssh.injectSocket(socket)
  })
  const ports = await listenOnPair(tcp, options.wantedSshPort)
  const appPorts = { declared: options.declaredPort, real: ports.appPort }
  const targetOf = (request: ForwardAddress) => forwardTarget(request, appPorts)
  return {
    ports,
    stop: async () => {
      const closed = new Promise((resolve) => tcp.close(resolve))
      for (const socket of sockets) socket.destroy()
      const running = [...commands]
      for (const command of running) command.kill('KILL')
      await Promise.all([closed, ...running.map((command) => command.ended)])
    },
  }
}

interface Service {
  readonly clientKey: ParsedKey
  readonly place: CommandPlace
  /** All commands of this host that run. */
  readonly commands: Set<RunningCommand>
  readonly targetOf: (request: ForwardAddress) => number | undefined
}

function serve(client: Connection, { clientKey, place, commands, targetOf }: Service): void {
  // ssh2 doesn't close the channels of sessions whose connection went, so they are ended here.
  const attached = new Set<RunningCommand>()
  const forwarded = new Set<Socket>()
  let sessions = 0
  client.on('error', () => {}) // resets and bad packets: 'close' follows
  client.once('close', () => {
    for (const command of attached) command.detach()
    for (const socket of forwarded) socket.destroy()
  })
  client.on('authentication', (login) => {
    if (mayLogIn(login, clientKey)) login.accept()
    else login.reject(['publickey'])
  })
  client.on('tcpip', (accept, reject, request) => {
    const port = targetOf(request)
    if (port === undefined) reject()
    else void forward({ accept, reject, sockets: forwarded }, port)
  })
  client.on('session', (accept, reject) => {
    if (sessions >= maxSessions) return reject()
    sessions++
    const session = accept()
    session.once('close', () => sessions--)
    session.once('exec', (acceptCommand, _reject, { command }) => {
      const running = runCommand(acceptCommand(), command, place)
      attached.add(running)
      commands.add(running)
      void running.ended.then(() => commands.delete(running))
      session.once('close', () => {
        running.detach()
        attached.delete(running)
      })
      session.on('signal', (_accept, _rejectSignal, { name }) => running.kill(name))
    })
  })
}

/** The client first asks whether a key would do, without a signature, then proves that it has it. */
function mayLogIn(login: AuthContext, key: ParsedKey): boolean {
  if (login.method !== 'publickey' || login.username !== sandboxUser) return false
  if (login.key.algo !== key.type || !login.key.data.equals(key.getPublicSSH())) return false
  if (login.signature === undefined || login.blob === undefined) return true
  // `=== true`: ssh2 returns an Error, whatever its types say, for a signature that it can't read.
  return key.verify(login.blob, login.signature, login.hashAlgo) === true
}
