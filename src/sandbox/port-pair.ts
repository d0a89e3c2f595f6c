import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { DeliverError } from '../errors.js'

/**
 * Two neighbouring ports of 127.0.0.1: the even one for SSH, the next for the app. The app's port is free while the service
 * is stopped, so holding the SSH port is what reserves both, also between sandboxes that start at the same time.
 */
export interface PortPair {
  readonly sshPort: number
  readonly appPort: number
}

/** Below the ranges from which Linux and macOS pick ports of outgoing connections. */
const lowest = 20_000
const highest = 32_000
const attempts = 200

/** Makes `server` listen on the SSH port of a free pair: the wanted one if it is free, else any. */
export async function listenOnPair(server: Server, wanted?: number): Promise<PortPair> {
  if (wanted !== undefined && (await tryPair(server, wanted))) return pairOf(wanted)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const sshPort = lowest + 2 * randomInt((highest - lowest) / 2)
    if (await tryPair(server, sshPort)) return pairOf(sshPort)
  }
  throw new DeliverError('failed', `no free port on 127.0.0.1 between ${lowest} and ${highest}`, {
    fix: 'stop programs that listen there, or look for leftovers with: ss -ltnp',
  })
}

function pairOf(sshPort: number): PortPair {
  return { sshPort, appPort: sshPort + 1 }
}

async function tryPair(server: Server, sshPort: number): Promise<boolean> {
  return (await isFree(sshPort + 1)) && (await listens(server, sshPort, '127.0.0.1'))
}

/** An app may listen on the loopback address alone or on all addresses: both must be possible. */
async function isFree(port: number): Promise<boolean> {
  for (const address of ['127.0.0.1', undefined]) {
    const probe = createServer()
    if (!(await listens(probe, port, address))) return false
    await new Promise((resolve) => probe.close(resolve))
  }
  return true
}

/** False when the port is taken or may not be used; other failures reject. */
function listens(server: Server, port: number, address: string | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => {
      server.off('listening', listening)
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    }
    const listening = () => {
      server.off('error', refused)
      resolve(true)
    }
    server.once('error', refused).once('listening', listening)
    server.listen({ port, ...(address === undefined ? {} : { host: address }) })
  })
}
