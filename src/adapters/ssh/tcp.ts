import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { asError } from './abort.js'

/** How long one of several addresses of a name may take before the next is tried, too. Node's own 250 ms is too short for slow links. */
const perAddress = 3_000

/** A TCP connection. Rejects with the socket's error, or with the signal's reason. */
export function connectTcp(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({
      host: address,
      port,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: perAddress,
      noDelay: true,
    })
    const settle = () => {
      signal.removeEventListener('abort', abort)
      socket.removeListener('error', fail)
      socket.removeListener('connect', done)
    }
    const fail = (error: unknown) => {
      settle()
      socket.on('error', () => {})
      socket.destroy()
      reject(asError(error))
    }
    const abort = () => fail(signal.reason)
    const done = () => {
      settle()
      resolve(socket)
    }
    socket.once('error', fail)
    socket.once('connect', done)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
  })
}
