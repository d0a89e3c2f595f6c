import * as zlib from 'node:zlib'
import { Duplex, Readable } from 'node:stream'
import { startProcess } from '../adapters/process.js'
import { DeliverError } from '../errors.js'
import type { Encoding } from '../remote/verbs.js'
import { ZstdFrames } from './zstd-frames.js'

/** What to do about an archive that isn't what it was. */
const again = 'Make it again: deliver archive; of one in the store, publish the release under another name.'

/** Throws, at the end at the latest, when the source is damaged or cut. */
export async function* decompress(source: Readable, encoding: Encoding): AsyncGenerator<Buffer> {
  if (encoding === 'none') yield* source as AsyncIterable<Buffer>
  else if (encoding === 'gzip') yield* through(source, zlib.createGunzip())
  else if (nativeUnzstd() === undefined) yield* unzstdProcess(source)
  else yield* unzstdFrames(source)
}

async function* through(source: Readable, native: Duplex): AsyncGenerator<Buffer> {
  source.on('error', (error) => native.destroy(error))
  native.on('close', () => source.destroy())
  yield* source.pipe(native) as AsyncIterable<Buffer>
}

/** One decompressor for each frame: those of Node stop after one. */
async function* unzstdFrames(source: Readable): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames()
  const pieces = piecesOf(source, frames)
  try {
    for (let first = await pieces.next(); first.done !== true; first = await pieces.next()) {
      const native = nativeUnzstd()
      if (native === undefined) throw new DeliverError('failed', 'Node has no zstd')
      yield* through(Readable.from(oneFrame(first.value, pieces), { objectMode: false }), native)
    }
  } finally {
    source.destroy()
  }
  if (!frames.whole) throw new DeliverError('failed', 'the archive is cut', { fix: again })
}

type Piece = ReturnType<ZstdFrames['push']>[number]

async function* piecesOf(source: Readable, frames: ZstdFrames): AsyncGenerator<Piece> {
  for await (const chunk of source as AsyncIterable<Buffer>) yield* frames.push(chunk)
}

async function* oneFrame(first: Piece, rest: AsyncGenerator<Piece>): AsyncGenerator<Buffer> {
  for (let piece = first; ;) {
    yield piece.bytes
    if (piece.last) return
    const next = await rest.next()
    if (next.done === true) return
    piece = next.value
  }
}

/** zlib has zstd from Node 22.15 on; the types that we build against don't know it yet. */
function nativeUnzstd(): Duplex | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress')
  const made: unknown = typeof create === 'function' ? Reflect.apply(create, zlib, []) : undefined
  return made instanceof Duplex ? made : undefined
}

async function* unzstdProcess(source: Readable): AsyncGenerator<Buffer> {
  const zstd = startProcess({
    command: 'zstd',
    args: ['--quiet', '--decompress', '--stdout'],
    cwd: '/',
    env: { PATH: process.env.PATH },
    stdin: 'pipe',
  })
  zstd.stderr.resume()
  const { stdin } = zstd
  if (stdin === undefined) throw new DeliverError('failed', 'zstd has no input')
  let broken: Error | undefined
  source.on('error', (error) => {
    broken = error
    zstd.stop()
  })
  // The program may end before it has read everything; its exit code says whether that was right.
  stdin.on('error', () => undefined)
  source.pipe(stdin)
  try {
    yield* zstd.stdout as AsyncIterable<Buffer>
    const end = await zstd.ended
    if (broken !== undefined) throw broken
    if (end.kind === 'not-started' && end.missing)
      throw new DeliverError(
        'precondition',
        'reading a tar.zst archive needs the program zstd, which is not in PATH',
        {
          fix: 'Install zstd, or use Node 22.15 or newer.',
        },
      )
    if (end.kind !== 'exit' || end.code !== 0)
      throw new DeliverError('failed', `zstd could not read the archive (${JSON.stringify(end)})`, {
        fix: again,
      })
  } finally {
    source.destroy()
    zstd.stop()
  }
}
