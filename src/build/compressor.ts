import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as zlib from 'node:zlib'
import { type ProcessEnd, type RunningProcess, startProcess } from '../adapters/process.js'
import { DeliverError } from '../errors.js'
import type { ArchiveFormat } from '../release/release.js'

export interface CompressorOptions {
  readonly format: ArchiveFormat
  /** Of the format; undefined: its usual one. */
  readonly level?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const usual = { 'tar.zst': 3, 'tar.gz': 6, tar: 0 } as const

/** The level that is used: of what nobody chose one for, the usual one. */
export function levelOf({ format, level }: CompressorOptions): number {
  return format === 'tar' ? usual.tar : (level ?? usual[format])
}

/** The same bytes compressed, flat in memory. Nothing is started before the first read; a failure of either side is thrown. */
export async function* compress(
  source: AsyncIterable<Buffer>,
  { format, level, signal }: CompressorOptions,
): AsyncGenerator<Buffer> {
  if (format === 'tar') {
    yield* source
    return
  }
  checkLevel(format, level)
  const native =
    format === 'tar.gz'
      ? zlib.createGzip({ level: level ?? usual['tar.gz'] })
      : nativeZstd(level ?? usual['tar.zst'])
  if (native !== undefined) yield* through(source, native)
  else yield* zstdProcess(source, level ?? usual['tar.zst'], signal)
}

function checkLevel(format: 'tar.zst' | 'tar.gz', level: number | undefined): void {
  const most = format === 'tar.zst' ? 19 : 9
  if (level === undefined || (Number.isInteger(level) && level >= 1 && level <= most)) return
  throw new DeliverError('usage', `archive.level: ${format} has no level ${level}`, {
    fix: `Use 1 to ${most}.`,
  })
}

async function* through(source: AsyncIterable<Buffer>, compressor: Transform): AsyncGenerator<Buffer> {
  const fed = pipeline(source, compressor)
  // Reported below, or by the compressor that it destroys.
  fed.catch(() => undefined)
  yield* compressor as AsyncIterable<Buffer>
  await fed
}

/** zlib has zstd from Node 22.15 on; the types that we build against don't know it yet. */
function nativeZstd(level: number): Transform | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdCompress')
  const levelParameter: unknown = Reflect.get(zlib.constants, 'ZSTD_c_compressionLevel')
  const checksumParameter: unknown = Reflect.get(zlib.constants, 'ZSTD_c_checksumFlag')
  if (typeof create !== 'function') return undefined
  const params = { [String(levelParameter)]: level, [String(checksumParameter)]: 1 }
  const made: unknown = Reflect.apply(create, zlib, [{ params }])
  return made instanceof Transform ? made : undefined
}

async function* zstdProcess(
  source: AsyncIterable<Buffer>,
  level: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const zstd = startProcess({
    command: 'zstd',
    args: ['--quiet', '--stdout', `-${level}`, '-T0'],
    cwd: '/',
    env: { PATH: process.env['PATH'] },
    stdin: 'pipe',
    signal,
  })
  let said = ''
  zstd.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-1_000)))
  try {
    const fed = feed(source, zstd)
    // Awaited once the output has ended.
    fed.catch(() => undefined)
    yield* zstd.stdout as AsyncIterable<Buffer>
    await fed
    const end = await zstd.ended
    if (end.kind !== 'exit' || end.code !== 0) throw zstdError(end, said.trim())
  } finally {
    // Whoever stopped reading has no use for the rest.
    zstd.stop()
  }
}

/** Rejects with the source's failure. A pipe that broke is zstd's, which its exit tells better. */
async function feed(source: AsyncIterable<Buffer>, zstd: RunningProcess): Promise<void> {
  if (zstd.stdin === undefined) throw new DeliverError('failed', 'zstd has no input')
  const failed: { source?: Error } = {}
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      yield* source
    } catch (error) {
      failed.source = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }
  await pipeline(watched(), zstd.stdin).catch(() => zstd.stop())
  if (failed.source !== undefined) throw failed.source
}

function zstdError(end: ProcessEnd, said: string): DeliverError {
  if (end.kind === 'not-started' && end.missing) {
    return new DeliverError('precondition', 'tar.zst needs the program zstd, which is not in PATH', {
      fix: "Install zstd, use Node 22.15 or newer, or set archive.format to 'tar.gz'.",
    })
  }
  if (end.kind === 'aborted') return new DeliverError('interrupted', 'zstd: interrupted')
  return new DeliverError('failed', `zstd failed (${JSON.stringify(end)}) ${said}`.trim(), {
    fix: "Look whether the disk or the memory is full; archive.format: 'tar.gz' needs no zstd.",
  })
}
