import { DeliverError } from '../errors.js'

type State = 'magic' | 'descriptor' | 'header' | 'block' | 'content' | 'checksum' | 'skip-size' | 'skip'

/**
 * Cuts zstd data at the ends of its frames (RFC 8878). An archive has several, one after another, and a decompressor of Node stops at the
 * end of the first one without a word.
 */
export class ZstdFrames {
  /** What is to come next, and of how many bytes it is. */
  #state: State = 'magic'
  #need = 4
  #field = Buffer.alloc(0)
  #checksum = false
  #lastBlock = false

  /** The pieces of a chunk; `last` ends a frame. Throws for what is no zstd. */
  push(chunk: Buffer): readonly { readonly bytes: Buffer; readonly last: boolean }[] {
    const pieces: { bytes: Buffer; last: boolean }[] = []
    let start = 0
    let offset = 0
    while (offset < chunk.length) {
      const taken = Math.min(this.#need, chunk.length - offset)
      if (!this.#isPassed) this.#field = Buffer.concat([this.#field, chunk.subarray(offset, offset + taken)])
      this.#need -= taken
      offset += taken
      if (this.#need > 0) break
      if (!this.#advance()) continue
      pieces.push({ bytes: chunk.subarray(start, offset), last: true })
      start = offset
    }
    if (start < chunk.length) pieces.push({ bytes: chunk.subarray(start), last: false })
    return pieces
  }

  /** Whether what was pushed ends with a frame. */
  get whole(): boolean {
    return this.#state === 'magic' && this.#field.length === 0
  }

  get #isPassed(): boolean {
    return this.#state === 'content' || this.#state === 'skip' || this.#state === 'checksum'
  }

  /** True at the end of a frame. */
  #advance(): boolean {
    const field = this.#field
    this.#field = Buffer.alloc(0)
    switch (this.#state) {
      case 'magic':
        this.#magic(field.readUInt32LE())
        return false
      case 'descriptor':
        this.#descriptor(field.readUInt8())
        return false
      case 'header':
        this.#expect('block', 3)
        return false
      case 'block':
        return this.#block(field.readUIntLE(0, 3))
      case 'content':
        return this.#blockEnd()
      case 'skip-size':
        return this.#expectOrEnd('skip', field.readUInt32LE())
      case 'checksum':
      case 'skip':
        return this.#end()
    }
  }

  #magic(magic: number): void {
    if (magic === 0xfd2fb528) this.#expect('descriptor', 1)
    else if (magic >>> 4 === 0x0184d2a5) this.#expect('skip-size', 4)
    else throw new DeliverError('failed', 'what should be zstd is something else')
  }

  #descriptor(byte: number): void {
    const single = (byte & 0x20) !== 0
    const dictionary = [0, 1, 2, 4][byte & 3] ?? 0
    const contentSize = [single ? 1 : 0, 2, 4, 8][byte >>> 6] ?? 0
    this.#checksum = (byte & 4) !== 0
    const length = (single ? 0 : 1) + dictionary + contentSize
    this.#expect('header', length)
  }

  #block(header: number): boolean {
    this.#lastBlock = (header & 1) !== 0
    const isRepeated = ((header >>> 1) & 3) === 1
    const size = isRepeated ? 1 : header >>> 3
    if (size === 0) return this.#blockEnd()
    this.#expect('content', size)
    return false
  }

  #blockEnd(): boolean {
    if (!this.#lastBlock) this.#expect('block', 3)
    else if (this.#checksum) this.#expect('checksum', 4)
    else return this.#end()
    return false
  }

  #expectOrEnd(state: 'skip', need: number): boolean {
    if (need === 0) return this.#end()
    this.#expect(state, need)
    return false
  }

  #expect(state: State, need: number): void {
    this.#state = state
    this.#need = need
  }

  #end(): boolean {
    this.#expect('magic', 4)
    return true
  }
}
