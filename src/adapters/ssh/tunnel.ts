import { Duplex } from 'node:stream'
import type { Channel } from './channel.js'

/**
 * A forwarded connection as a stream that keeps Node's promises. ssh2's channels don't: a write to a closed one never
 * calls back, `destroy` doesn't destroy, and `close` waits for a reader.
 */
export class Tunnel extends Duplex {
  readonly #channel: Channel
  #pendingWrite: ((error?: Error | null) => void) | undefined

  constructor(channel: Channel) {
    super({ allowHalfOpen: true })
    this.#channel = channel
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause()
    })
    channel.on('end', () => this.push(null))
    channel.on('error', (error: Error) => this.destroy(error))
    channel.on('close', () => {
      this.#settleWrite(new Error('the connection was closed'))
      // What has arrived is still to be read.
      if (this.readableEnded) this.destroy()
      else this.once('end', () => this.destroy())
    })
  }

  override _read(): void {
    this.#channel.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (!this.#channel.writable) return callback(new Error('the connection was closed'))
    this.#pendingWrite = callback
    this.#channel.write(chunk, (error) => this.#settleWrite(error))
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#channel.end()
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#settleWrite(error ?? new Error('the connection was closed'))
    // `close` of a channel waits until somebody has read what is left.
    this.#channel.resume()
    this.#channel.close()
    callback(error)
  }

  #settleWrite(error?: Error | null): void {
    const callback = this.#pendingWrite
    this.#pendingWrite = undefined
    callback?.(error)
  }
}
