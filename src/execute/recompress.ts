import type { Readable } from 'node:stream'
import { compress } from '../build/compressor.js'
import { decompress } from '../build/decompressor.js'
import type { Encoding } from '../remote/verbs.js'

const formats = { zstd: 'tar.zst', gzip: 'tar.gz', none: 'tar' } as const

/** For hosts that lack what the published archive is compressed with. Fast rather than small. */
export function recompress(source: Readable, from: Encoding, to: Encoding): AsyncIterable<Buffer> {
  const level = to === 'gzip' ? { level: 3 } : {}
  return compress(decompress(source, from), { format: formats[to], ...level })
}
