import type { Duplex } from 'node:stream'
import { DeliverError, messageOf } from '../../errors.js'
import type { Host } from '../../ports.js'
import type { Bastion } from './bastions.js'
import { connectFailure, ConnectFailure, timedOut } from './connect-failure.js'
import type { Destination } from './destination.js'
import { Deadline, shakeHands } from './handshake.js'
import { HostKeyCheck } from './host-verifier.js'
import type { Identities } from './identities.js'
import { knownTypes } from './key-trust.js'
import type { KnownHostsFiles } from './known-hosts-files.js'
import { Login } from './login.js'
import { SshSession } from './session.js'
import type { Ssh2 } from './ssh2.js'
import { connectTcp } from './tcp.js'

export interface Attempt {
  readonly ssh2: Ssh2
  readonly host: Host
  readonly destination: Destination
  readonly identities: Identities
  readonly knownHosts: KnownHostsFiles
  readonly bastion?: Bastion
  readonly signal?: AbortSignal
}

/**
 * Connects once, within the connect timeout: TCP, banner, key exchange and login. Rejects with a ConnectFailure, or with
 * the signal's reason.
 */
export async function attempt({ destination, signal, ...rest }: Attempt): Promise<SshSession> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Deadline()), destination.connectTimeout)
  const abort = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted === true) abort()
  try {
    const types = await knownTypes(rest.knownHosts, destination.trust, destination.owner)
    // Nothing may be waited for between these two: the host may hang up at once, and ssh2 must be listening.
    const socket = await openSocket(destination, rest.bastion, controller.signal)
    const client = await shakeHands({
      ssh2: rest.ssh2,
      destination,
      socket,
      keys: new HostKeyCheck(destination, rest.knownHosts),
      knownTypes: types,
      login: new Login(destination.user, rest.identities),
      signal: controller.signal,
    })
    return new SshSession(rest.host, destination, client, socket)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

async function openSocket(
  destination: Destination,
  bastion: Bastion | undefined,
  signal: AbortSignal,
): Promise<Duplex> {
  const { address, port, where, connectTimeout } = destination
  try {
    if (bastion === undefined) return await connectTcp(address, port, signal)
    return await bastion.session.openTcp({ host: address, port }, signal)
  } catch (error) {
    if (signal.aborted && !(signal.reason instanceof Deadline)) throw signal.reason
    if (signal.aborted) throw timedOut(where, 'connection', connectTimeout)
    if (bastion === undefined) throw connectFailure(where, 'connection', error)
    const detail =
      error instanceof DeliverError && error.fix !== undefined
        ? { fix: error.fix, cause: error }
        : { cause: error }
    throw new ConnectFailure(
      new DeliverError(
        'failed',
        `${where}, through ${bastion.session.host.name}: ${messageOf(error)}`,
        detail,
      ),
      !isProhibited(error),
    )
  }
}

/** The bastion's policy won't change between two attempts. */
function isProhibited(error: unknown): boolean {
  return error instanceof DeliverError && error.kind === 'precondition'
}
