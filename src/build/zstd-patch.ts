import { startProcess } from '../adapters/process.js'
import { DeliverError } from '../errors.js'

/**
 * Best for its time: of a release with four bumped packages (7 MB of new files) it made 154 KB in 0.1 s, the usual 3 made 211 KB and the
 * highest, 19, 123 KB in 2.4 s. Without what was there before it is 1267 KB.
 */
const level = 9

/**
 * A file compressed as what differs from another, `zstd --patch-from`: the program alone can do it, from 1.4.5 on. Throws where there
 * is none, or an older one.
 */
export async function* zstdPatch(file: string, reference: string): AsyncGenerator<Buffer> {
  const zstd = startProcess({
    command: 'zstd',
    args: ['--quiet', '--stdout', `-${level}`, `--patch-from=${reference}`, file],
    cwd: '/',
    env: { PATH: process.env['PATH'] },
  })
  let said = ''
  zstd.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-1_000)))
  try {
    yield* zstd.stdout as AsyncIterable<Buffer>
    const end = await zstd.ended
    if (end.kind !== 'exit' || end.code !== 0)
      throw new DeliverError('failed', `zstd --patch-from failed (${JSON.stringify(end)}) ${said}`.trim(), {
        fix: 'Install zstd 1.4.5 or newer.',
      })
  } finally {
    zstd.stop()
  }
}
