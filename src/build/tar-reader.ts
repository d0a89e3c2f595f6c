import { Header } from 'tar'
import { parsePax } from './pax.js'
import { broken } from './tar-error.js'

/** One member of a tar. Names are bytes as they are in the archive: no decoding, no clean-up, no judgement. */
export interface TarMember {
  readonly type: 'file' | 'directory' | 'link'
  readonly path: Buffer
  /** Empty unless it is a link. */
  readonly target: Buffer
  readonly mode: number
  readonly size: number
  /** The raw header block and its pax records, for whoever writes the member again. */
  readonly header: Buffer
  readonly pax: ReadonlyMap<string, Buffer>
}

export interface TarVisitor {
  member(member: TarMember): void
  /** A piece of the last member's content; valid during the call. */
  content(chunk: Buffer): void
  /** All of the last member has been seen. */
  memberEnd?(): void
  /** A global pax header, as git writes the commit's id. */
  global?(block: Buffer, content: Buffer): void
}

const blockSize = 512
/** Long names and their like are held in memory, and nobody has a name of a megabyte. */
const longestMeta = 1 << 20
const types = new Map<string, TarMember['type']>([
  ['File', 'file'],
  ['OldFile', 'file'],
  ['ContiguousFile', 'file'],
  ['Directory', 'directory'],
  ['SymbolicLink', 'link'],
])
const metas = new Set([
  'ExtendedHeader',
  'GlobalExtendedHeader',
  'NextFileHasLongPath',
  'NextFileHasLongLinkpath',
])

/**
 * Reads a tar as it streams by: ustar, pax and GNU long names. node-tar decodes the numbers of a block, but not the names,
 * which it would turn to text. Anything that is not plainly a file, directory or symlink is an error.
 */
export class TarReader {
  private readonly block = Buffer.alloc(blockSize)
  private filled = 0
  private left = 0
  private padding = 0
  private meta: { type: string; header: Buffer; parts: Buffer[] } | undefined
  private pax = new Map<string, Buffer>()
  private globals: ReadonlyMap<string, Buffer> = new Map()
  private longPath: Buffer | undefined
  private longTarget: Buffer | undefined
  private zeroBlocks = 0

  constructor(private readonly visitor: TarVisitor) {}

  push(chunk: Buffer): void {
    let offset = 0
    while (offset < chunk.length) {
      if (this.left > 0) offset += this.takeContent(chunk.subarray(offset, offset + this.left))
      else if (this.padding > 0) offset += this.takePadding(chunk.length - offset)
      else offset += this.takeBlock(chunk.subarray(offset, offset + blockSize - this.filled))
    }
  }

  /** Throws unless the archive came to its own end; one that is cut between two members looks whole otherwise. */
  end(): void {
    if (this.zeroBlocks < 2 || this.left > 0 || this.filled > 0) throw broken('it ends before its end mark')
  }

  /** The last so many of the bytes that were pushed are of a block that isn't whole yet, or of the end mark. */
  get undecided(): number {
    return this.zeroBlocks * blockSize + this.filled
  }

  private takeContent(piece: Buffer): number {
    this.left -= piece.length
    if (this.meta === undefined) this.visitor.content(piece)
    else this.meta.parts.push(Buffer.from(piece))
    if (this.left === 0) this.finishContent()
    return piece.length
  }

  private takePadding(available: number): number {
    const taken = Math.min(available, this.padding)
    this.padding -= taken
    return taken
  }

  private takeBlock(piece: Buffer): number {
    piece.copy(this.block, this.filled)
    this.filled += piece.length
    if (this.filled === blockSize) {
      this.filled = 0
      this.header(this.block)
    }
    return piece.length
  }

  private header(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.zeroBlocks++
      return
    }
    if (this.zeroBlocks > 0) throw broken('there is something after its end mark')
    const header = decode(block)
    const size = metas.has(header.type) ? header.size : (sizeOf(this.pax) ?? header.size)
    if (!header.cksumValid || size === undefined || size < 0 || !Number.isSafeInteger(size)) {
      throw broken('a header is damaged')
    }
    if (metas.has(header.type)) this.startMeta(header.type, size)
    else this.startMember(header, size)
  }

  private startMeta(type: string, size: number): void {
    if (size === 0 || size > longestMeta) throw broken(`an extended header of ${size} bytes`)
    this.meta = { type, header: Buffer.from(this.block), parts: [] }
    this.expect(size)
  }

  private startMember(header: Header, size: number): void {
    const type = types.get(header.type)
    const path = withoutSlash(this.longPath ?? this.pax.get('path') ?? ustarPath(this.block))
    if (type === undefined)
      throw broken(`${path.toString()} is of a kind (${header.type}) that no release has`)
    if (type !== 'file' && size !== 0) throw broken(`${path.toString()} is a ${type} with content`)
    const target = this.longTarget ?? this.pax.get('linkpath') ?? field(this.block, 157, 100)
    this.visitor.member({
      ...{ type, path, size, mode: header.mode ?? 0, target: type === 'link' ? target : Buffer.alloc(0) },
      ...{ header: Buffer.from(this.block), pax: new Map([...this.globals, ...this.pax]) },
    })
    this.pax = new Map()
    this.longPath = undefined
    this.longTarget = undefined
    if (size === 0) this.visitor.memberEnd?.()
    else this.expect(size)
  }

  private expect(size: number): void {
    this.left = size
    this.padding = (blockSize - (size % blockSize)) % blockSize
  }

  private finishContent(): void {
    const { meta } = this
    if (meta === undefined) return this.visitor.memberEnd?.()
    this.meta = undefined
    const content = Buffer.concat(meta.parts)
    if (meta.type === 'NextFileHasLongPath') this.longPath = field(content, 0, content.length)
    else if (meta.type === 'NextFileHasLongLinkpath') this.longTarget = field(content, 0, content.length)
    else if (meta.type === 'ExtendedHeader') this.pax = parsePax(content)
    else this.startGlobal(meta.header, content)
  }

  private startGlobal(header: Buffer, content: Buffer): void {
    const records = parsePax(content)
    for (const name of ['path', 'linkpath', 'size']) {
      if (records.has(name)) throw broken(`a ${name} for all members`)
    }
    this.visitor.global?.(header, content)
  }
}

/** node-tar throws for some numbers that can't be, and marks others. */
function decode(block: Buffer): Header {
  try {
    return new Header(block)
  } catch {
    throw broken('a header is damaged')
  }
}

function sizeOf(pax: ReadonlyMap<string, Buffer>): number | undefined {
  const text = pax.get('size')?.toString('latin1')
  return text === undefined ? undefined : /^\d{1,16}$/.test(text) ? Number(text) : -1
}

function ustarPath(block: Buffer): Buffer {
  const name = field(block, 0, 100)
  const prefix =
    block.subarray(257, 263).toString('latin1') === 'ustar\0' ? field(block, 345, 155) : Buffer.alloc(0)
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name])
}

/** Up to the first NUL. A copy, for the block is used again. */
function field(buffer: Buffer, offset: number, length: number): Buffer {
  const bytes = buffer.subarray(offset, offset + length)
  const end = bytes.indexOf(0)
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end))
}

function withoutSlash(path: Buffer): Buffer {
  return path.length > 1 && path[path.length - 1] === 0x2f ? path.subarray(0, -1) : path
}
