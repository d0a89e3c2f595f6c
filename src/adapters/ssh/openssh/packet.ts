/** Numbers, texts and frames as SSH (RFC 4251) and OpenSSH's control socket (PROTOCOL.mux) write them. */

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function sshString(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** Reads the fields of one packet in order. Throws where it is shorter than its fields say. */
export class Fields {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#take(1).readUInt8()
  }

  uint32(): number {
    return this.#take(4).readUInt32BE()
  }

  /** A view, not a copy. */
  string(): Buffer {
    return this.#take(this.uint32())
  }

  text(): string {
    return this.string().toString('latin1')
  }

  #take(length: number): Buffer {
    const end = this.#offset + length
    if (end > this.#bytes.length) throw new Error('a packet is shorter than it says')
    const taken = this.#bytes.subarray(this.#offset, end)
    this.#offset = end
    return taken
  }
}

/** OpenSSH itself takes no frame above this on its control socket. */
const largest = 256 * 1024

/** Cuts a stream of bytes into frames: a length of four bytes, then so many. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
  }

  /** The next frame that is complete. Throws for one that is too large. */
  next(): Buffer | undefined {
    if (this.#rest.length < 4) return undefined
    const length = this.#rest.readUInt32BE()
    if (length > largest) throw new Error('a packet is too large')
    if (this.#rest.length < 4 + length) return undefined
    const frame = this.#rest.subarray(4, 4 + length)
    this.#rest = this.#rest.subarray(4 + length)
    return frame
  }
}
