import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { NewBlob } from '../ports.js'
import { crc32 } from './crc32.js'

export interface PackSpec {
  /** Where the pack and its index go. */
  readonly directory: string
  readonly objectHash: 'sha1' | 'sha256'
  /** How many blobs will come: the head of a pack says it. */
  readonly count: number
}

interface Packed {
  readonly id: string
  readonly crc: number
  readonly offset: number
}

/**
 * Writes blobs as a pack of git with its index (gitformat-pack, version 2 both): no deltas, and no process between. Their ids are
 * taken from the caller, who hashed them.
 */
export async function writePack(spec: PackSpec, blobs: AsyncIterable<NewBlob>): Promise<void> {
  const temporary = join(spec.directory, 'incoming')
  const file = await open(`${temporary}.pack`, 'wx', 0o444)
  let name: string
  let packed: readonly Packed[]
  try {
    const writer = new PackFile(file, createHash(spec.objectHash))
    await writer.start(spec.count)
    for await (const blob of blobs) await writer.add(blob)
    packed = writer.packed
    if (packed.length !== spec.count)
      throw new Error(`a pack of ${packed.length} objects, where ${spec.count} were announced`)
    name = await writer.end()
    await file.sync()
  } finally {
    await file.close()
  }
  const index = await open(`${temporary}.idx`, 'wx', 0o444)
  try {
    await index.writeFile(packIndex(packed, Buffer.from(name, 'hex'), spec.objectHash))
    await index.sync()
  } finally {
    await index.close()
  }
  // A pack counts once its index is there.
  await rename(`${temporary}.pack`, join(spec.directory, `pack-${name}.pack`))
  await rename(`${temporary}.idx`, join(spec.directory, `pack-${name}.idx`))
}

const block = 1024 * 1024

class PackFile {
  readonly packed: Packed[] = []
  private waiting: Buffer[] = []
  private length = 0
  private offset = 0

  constructor(
    private readonly file: FileHandle,
    private readonly hash: Hash,
  ) {}

  async start(count: number): Promise<void> {
    const head = Buffer.from('PACK........')
    head.writeUInt32BE(2, 4)
    head.writeUInt32BE(count, 8)
    await this.write(head)
  }

  async add({ id, size, deflated }: NewBlob): Promise<void> {
    const { offset } = this
    const head = entryHead(size)
    let crc = crc32(head, 0)
    await this.write(head)
    for await (const chunk of deflated) {
      crc = crc32(chunk, crc)
      await this.write(chunk)
    }
    this.packed.push({ id, crc, offset })
  }

  /** The name of the pack, which ends it too. */
  async end(): Promise<string> {
    const digest = this.hash.digest()
    this.waiting.push(digest)
    await this.flush()
    return digest.toString('hex')
  }

  private async write(bytes: Buffer): Promise<void> {
    this.hash.update(bytes)
    this.waiting.push(bytes)
    this.offset += bytes.length
    this.length += bytes.length
    if (this.length >= block) await this.flush()
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.concat(this.waiting)
    this.waiting = []
    this.length = 0
    await this.file.writeFile(bytes)
  }
}

const blobType = 3

/** Type and size: four bits of the size, then seven in each byte, and the highest bit says that more come. */
function entryHead(size: number): Buffer {
  const bytes = [(blobType << 4) | (size % 16)]
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest % 128)
  }
  return Buffer.from(bytes)
}

const far = 0x80000000

function packIndex(packed: readonly Packed[], packName: Buffer, objectHash: 'sha1' | 'sha256'): Buffer {
  const sorted = [...packed].sort((a, b) => (a.id < b.id ? -1 : 1))
  const fanout = Buffer.alloc(256 * 4)
  for (let byte = 0, count = 0; byte < 256; byte++) {
    while (parseInt(sorted[count]?.id.slice(0, 2) ?? 'fff', 16) <= byte) count++
    fanout.writeUInt32BE(count, byte * 4)
  }
  const crcs = Buffer.alloc(sorted.length * 4)
  const offsets = Buffer.alloc(sorted.length * 4)
  const farOffsets: Buffer[] = []
  for (const [at, { crc, offset }] of sorted.entries()) {
    crcs.writeUInt32BE(crc, at * 4)
    // From 2 GiB on, the number of a row in a table of longer ones.
    offsets.writeUInt32BE(offset < far ? offset : far + farOffsets.length, at * 4)
    if (offset < far) continue
    const long = Buffer.alloc(8)
    long.writeBigUInt64BE(BigInt(offset))
    farOffsets.push(long)
  }
  const head = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2])
  const ids = sorted.map(({ id }) => Buffer.from(id, 'hex'))
  const body = Buffer.concat([head, fanout, ...ids, crcs, offsets, ...farOffsets, packName])
  return Buffer.concat([body, createHash(objectHash).update(body).digest()])
}
