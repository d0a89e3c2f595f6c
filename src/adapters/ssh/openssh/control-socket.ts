import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { asError } from '../abort.js'
import { Fields, Frames, sshString, uint32 } from './packet.js'

/** Numbers of OpenSSH's PROTOCOL.mux. */
const mux = {
  hello: 0x00000001,
  isAlive: 0x10000004,
  alive: 0x80000005,
  proxy: 0x1000000f,
  proxied: 0x8000000f,
}
const version = 4
const requests = { alive: 1, proxy: 2 }

export interface Control {
  readonly socket: Socket
  /** The master's process. */
  readonly pid: number
  /** What arrived after the answers: it belongs to whoever reads on. */
  readonly frames: Frames
}

/**
 * Connects to the control socket of a master and asks for its "proxy" mode, in which the socket speaks SSH's own connection
 * protocol: exit signals, refusals with a reason and back-pressure arrive as the host sent them, where `ssh` as a client of the
 * master would make 255 of the first and open a new connection for the second. Rejects with the signal's reason.
 */
export function openControl(path: string, signal: AbortSignal): Promise<Control> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path })
    const frames = new Frames()
    let pid = 0
    const settle = () => {
      signal.removeEventListener('abort', abort)
      socket.removeAllListeners()
    }
    const fail = (error: unknown) => {
      settle()
      socket.on('error', () => {})
      socket.destroy()
      reject(asError(error))
    }
    const abort = () => fail(signal.reason)
    const answered = (frame: Buffer): boolean => {
      const fields = new Fields(frame)
      const type = fields.uint32()
      if (type === mux.hello) return false
      fields.uint32()
      if (type === mux.alive) pid = fields.uint32()
      else if (type !== mux.proxied)
        throw new Error('the ssh of this machine knows no proxy mode (OpenSSH 7.4 does)')
      return type === mux.proxied
    }
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the master closed its control socket')))
    socket.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk)
        for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
          if (!answered(frame)) continue
          settle()
          return resolve({ socket, pid, frames })
        }
      } catch (error) {
        fail(error)
      }
    })
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) return abort()
    const send = (...words: readonly number[]) => socket.write(sshString(Buffer.concat(words.map(uint32))))
    send(mux.hello, version)
    send(mux.isAlive, requests.alive)
    send(mux.proxy, requests.proxy)
  })
}
