import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { startProcess } from '../adapters/process.js'
import type { ArchiveFormat, Body } from '../release/release.js'
import { decompress } from './decompressor.js'

const encodings = { 'tar.zst': 'zstd', 'tar.gz': 'gzip', tar: 'none' } as const
const readSize = 1024 * 1024

export interface PackedFile {
  readonly path: string
  readonly format: ArchiveFormat
  readonly signal?: AbortSignal | undefined
}

/** Size and sha256 of what a file unpacks to. Throws when it can't be unpacked whole. */
export async function unpackedBody(file: PackedFile): Promise<Body> {
  const found = file.format === 'tar.zst' ? await bodyOutside(file) : undefined
  return found ?? bodyInside(file)
}

/**
 * In programs of their own, on another core, through a pipe of the kernel: to move hundreds of megabytes through a stream of ours takes as long
 * as to unpack and to hash them, and nothing else goes on meanwhile. Undefined: it can't be told in this way here.
 */
async function bodyOutside({ path, signal }: PackedFile): Promise<Body | undefined> {
  const programs = startProcess({
    command: 'sh',
    args: ['-c', script, 'sh', path, process.execPath, counter],
    cwd: '/',
    env: { PATH: process.env['PATH'] },
    signal,
  })
  programs.stderr.resume()
  const said = await text(programs.stdout).catch(() => '')
  const end = await programs.ended
  signal?.throwIfAborted()
  const [, sha256, size] = /^0\n([0-9a-f]{64}) (\d{1,15})\n$/.exec(said) ?? []
  if (end.kind !== 'exit' || end.code !== 0 || sha256 === undefined) return undefined
  return { size: Number(size), sha256 }
}

/** Tells how zstd ended, which a pipeline doesn't, and then what came out of it. zstd's end comes first: the pipe is open until then. */
const script = `exec 3>&1
{ zstd --quiet --decompress --stdout 3>&- <"$1"; echo "$?" >&3; } | "$2" --print "$3" 3>&-`

/** Node's own hash is as fast as openssl's, is always there, and counts. */
const counter = `
const { createHash } = require('node:crypto')
const { readSync } = require('node:fs')
const hash = createHash('sha256')
const block = Buffer.allocUnsafe(1 << 20)
let size = 0
for (let read = readSync(0, block); read > 0; read = readSync(0, block)) {
  hash.update(block.subarray(0, read))
  size += read
}
hash.digest('hex') + ' ' + size
`

async function bodyInside({ path, format, signal }: PackedFile): Promise<Body> {
  const hash = createHash('sha256')
  let size = 0
  const packed = createReadStream(path, { highWaterMark: readSize })
  for await (const members of decompress(packed, encodings[format])) {
    signal?.throwIfAborted()
    hash.update(members)
    size += members.length
  }
  return { size, sha256: hash.digest('hex') }
}
