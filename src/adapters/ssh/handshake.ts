import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { messageOf } from '../../errors.js'
import { asError } from './abort.js'
import { algorithms } from './algorithms.js'
import { closed, connectFailure, ConnectFailure, timedOut } from './connect-failure.js'
import type { Phase } from './connect-failure.js'
import type { Destination } from './destination.js'
import type { HostKeyCheck } from './host-verifier.js'
import type { Login } from './login.js'
import type { Ssh2 } from './ssh2.js'

export interface Handshake {
  readonly ssh2: Ssh2
  readonly destination: Destination
  /** A connected stream to the host; closed if the handshake fails. */
  readonly socket: Duplex
  readonly keys: HostKeyCheck
  readonly knownTypes: readonly string[]
  readonly login: Login
  /** Ends the attempt; its reason is passed on. */
  readonly signal: AbortSignal
}

/** Verifies the host and logs in. Rejects with a ConnectFailure, or with the signal's reason. */
export function shakeHands(handshake: Handshake): Promise<Client> {
  const { ssh2, destination, socket, keys, login, signal } = handshake
  const { where } = destination
  const client = new ssh2.Client()
  let phase: Phase = 'banner'
  return new Promise((resolve, reject) => {
    let lastError: unknown
    const failure = (cause?: unknown): ConnectFailure => {
      if (keys.refusal !== undefined) return new ConnectFailure(keys.refusal, false)
      const cut = cause === undefined ? undefined : messageOf(cause)
      if (login.failed) return new ConnectFailure(login.error(where), false)
      if (phase === 'login') return new ConnectFailure(login.error(where, cut ?? 'connection closed'), false)
      return cause === undefined ? closed(where, phase) : connectFailure(where, phase, cause)
    }
    let settled = false
    const settle = (finish: () => void) => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', abort)
      finish()
    }
    const fail = (reason: unknown) =>
      settle(() => {
        client.destroy()
        socket.destroy()
        reject(asError(reason))
      })
    const abort = () =>
      fail(
        signal.reason instanceof Deadline
          ? timedOut(where, phase, destination.connectTimeout)
          : signal.reason,
      )

    // This listener stays for the client's whole life: ssh2 reports late errors, and one without a listener ends the process.
    client.on('error', (error) => {
      // One key couldn't sign; ssh2 goes on with the next.
      if (error.level === 'agent' || /^Error (while )?signing/.test(error.message)) login.note(error.message)
      else fail(failure((lastError ??= error)))
    })
    // `end` as well: of a forwarded connection the other half may stay open.
    client.on('end', () => fail(failure(lastError)))
    client.on('close', () => fail(failure(lastError)))
    client.on('handshake', () => (phase = 'login'))
    client.once('ready', () => settle(() => resolve(client)))
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) return abort()
    if (socket.destroyed) return fail(closed(where, phase))
    try {
      client.connect({
        sock: socket,
        username: destination.user,
        hostVerifier: keys.verifier,
        authHandler: login.handler,
        algorithms: algorithms(handshake.knownTypes),
        // Deadlines are ours: they cover what comes before ssh2, too. Its pings go on for ever; Keepalive judges the silence.
        readyTimeout: 0,
        keepaliveInterval: destination.keepalive.interval,
        keepaliveCountMax: Number.MAX_SAFE_INTEGER,
        agentForward: false,
      })
      // Only now: a listener before ssh2's own would set the stream flowing, and the banner would be lost.
      socket.once('data', () => {
        if (phase === 'banner') phase = 'key exchange'
      })
    } catch (error) {
      fail(connectFailure(where, phase, error))
    }
  })
}

/** The reason of an abort that means "too late", as against "somebody gave up". */
export class Deadline extends Error {}
