import * as zlib from 'node:zlib'
import { Duplex, Readable } from 'node:stream'
import { startProcess } from '../adapters/process.js'
import { compress } from '../build/compressor.js'
import { DeliverError } from '../errors.js'
import type { Encoding } from '../remote/verbs.js'

const formats = { zstd: 'tar.zst', gzip: 'tar.gz', none: 'tar' } as const

/** For hosts that lack what the published archive is compressed with. Fast rather than small. */
export function recompress(source: Readable, from: Encoding, to: Encoding): AsyncIterable<Buffer> {
  const level = to === 'gzip' ? { level: 3 } : {}
  return compress(decompress(source, from), { format: formats[to], ...level })
}

/** Throws, at the end at the latest, when the source is damaged or cut. */
export async function* decompress(source: Readable, encoding: Encoding): AsyncGenerator<Buffer> {
  const native = encoding === 'zstd' ? nativeUnzstd() : encoding === 'gzip' ? zlib.createGunzip() : undefined
  if (native !== undefined) {
    source.on('error', (error) => native.destroy(error))
    native.on('close', () => source.destroy())
    yield* source.pipe(native) as AsyncIterable<Buffer>
  } else if (encoding === 'zstd') yield* unzstdProcess(source)
  else yield* source as AsyncIterable<Buffer>
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
      throw new DeliverError('failed', `zstd could not read the archive (${JSON.stringify(end)})`)
  } finally {
    source.destroy()
    zstd.stop()
  }
}
