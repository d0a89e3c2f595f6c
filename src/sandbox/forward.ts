import { connect, type Socket } from 'node:net'
import type { AcceptConnection, RejectConnection, ServerChannel } from 'ssh2'

export interface AppPorts {
  /** The port that the config names. */
  readonly declared: number
  /** The one on which this host's app listens in truth. */
  readonly real: number
}

/** What a client asks to be connected to. */
export interface ForwardAddress {
  readonly destIP: string
  readonly destPort: number
}

const ownNames = new Set(['localhost', '127.0.0.1', '::1'])

/** Where a request for an address of a pretend host really goes; undefined: nothing listens there. */
export function forwardTarget({ destIP, destPort }: ForwardAddress, ports: AppPorts): number | undefined {
  return ownNames.has(destIP.toLowerCase()) && destPort === ports.declared ? ports.real : undefined
}

/** A request to open a connection, and the sockets of its SSH connection, which end with it. */
export interface ForwardRequest {
  readonly accept: AcceptConnection<ServerChannel>
  readonly reject: RejectConnection
  readonly sockets: Set<Socket>
}

/** Forwards to a port of this machine. Accepts only when the app did, so that "connection refused" is told as such. */
export async function forward({ accept, reject, sockets }: ForwardRequest, port: number): Promise<void> {
  // An app that listens on `localhost` may have got the IPv6 address only.
  const socket = (await dial(port, '127.0.0.1', sockets)) ?? (await dial(port, '::1', sockets))
  if (socket === undefined) return reject()
  const channel = accept()
  channel.on('error', () => socket.destroy())
  channel.once('close', () => socket.destroy())
  socket.on('error', () => channel.close())
  channel.pipe(socket).pipe(channel)
}

function dial(port: number, host: string, sockets: Set<Socket>): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      resolve(undefined) // refused, or the SSH connection went away meanwhile
    })
    socket.on('error', () => {}) // 'close' follows
    socket.once('connect', () => resolve(socket))
  })
}
