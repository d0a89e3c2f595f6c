import { EventEmitter } from 'node:events'
import type { Channel } from '../channel.js'

/** Bytes that the host may send before we say that we took some. */
export const localWindow = 2 * 1024 * 1024
/** The largest packet that we ask for; OpenSSH sends no larger ones. */
export const localPacket = 32 * 1024

/** What a channel says to the host; the connection puts it on the wire. */
export interface Wire {
  data(bytes: Buffer): void
  /** Whether the socket has no room. All channels are flushed when it has again. */
  full(): boolean
  adjust(bytes: number): void
  eof(): void
  close(): void
}

interface Pending {
  bytes: Buffer
  readonly taken: (error?: Error | null) => void
}

/** One channel over the master's socket, with the flow control of RFC 4254 in both directions. */
export class MuxChannel extends EventEmitter implements Channel {
  readonly stderr = new Output()
  readonly #wire: Wire
  readonly #packet: number
  readonly #pending: Pending[] = []
  #window: number
  #consumed = 0
  #paused = false
  #ending = false
  #eofSent = false
  #closeSent = false

  constructor(wire: Wire, limits: { readonly window: number; readonly packet: number }) {
    super()
    this.#wire = wire
    this.#window = limits.window
    this.#packet = Math.max(1, Math.min(limits.packet, localPacket))
  }

  get writable(): boolean {
    return !this.#ending && !this.#closeSent
  }

  write(bytes: Buffer, taken: (error?: Error | null) => void): void {
    this.#pending.push({ bytes, taken })
    this.flush()
  }

  /** Sends what the host's window and the socket have room for. */
  flush(): void {
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      if (this.#closeSent) return
      while (next.bytes.length > 0) {
        const length = Math.min(next.bytes.length, this.#window, this.#packet)
        if (length === 0 || this.#wire.full()) return
        this.#window -= length
        this.#wire.data(next.bytes.subarray(0, length))
        next.bytes = next.bytes.subarray(length)
      }
      this.#pending.shift()
      next.taken()
    }
    if (!this.#ending || this.#eofSent || this.#closeSent) return
    this.#eofSent = true
    this.#wire.eof()
  }

  end(): void {
    if (!this.writable) return
    this.#ending = true
    this.flush()
  }

  close(): void {
    if (this.#closeSent) return
    this.#closeSent = true
    this.#wire.close()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#grant()
  }

  /** From the host: a part of its output. */
  received(bytes: Buffer, from: 'stdout' | 'stderr'): void {
    this.#consumed += bytes.length
    if (from === 'stdout') this.emit('data', bytes)
    else this.stderr.emit('data', bytes)
    this.#grant()
  }

  /** From the host: it takes so many bytes more. */
  widen(bytes: number): void {
    this.#window += bytes
    this.flush()
  }

  /** From the host, or because the connection is gone. */
  closed(): void {
    this.#closeSent = true
    this.emit('close')
  }

  #grant(): void {
    if (this.#paused || this.#closeSent || this.#consumed < localWindow / 2) return
    this.#wire.adjust(this.#consumed)
    this.#consumed = 0
  }
}

/** A command's stderr. Its bytes count for the channel's window. */
class Output extends EventEmitter {
  resume(): void {}
}
