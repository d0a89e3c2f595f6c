import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { DeliverError } from '../errors.js'
import type { ImportOptions } from '../ports.js'
import { isolatedEnvironment, startGit } from './git-command.js'
import { writePack } from './git-pack-file.js'
import { type ScratchSpec, withScratchRepository } from './git-scratch.js'

/** Exists only in the scratch repository. */
const importRef = 'refs/deliver/import'

/** Content of our packs' `.keep` files. A kept pack is left alone by `git gc`, and is ours to give back. */
export const keepNote = 'deliver: objects of prebuilt releases; `deliver clean` removes them\n'

/**
 * Imports in a scratch repository, then moves the finished packs into the clone: a crash at any point leaves
 * nothing in the clone but, at worst, whole packs that nothing names.
 */
export async function importCommit(
  scratch: ScratchSpec,
  stream: (ref: string) => AsyncIterable<Buffer>,
  { blobs, signal }: ImportOptions = {},
): Promise<string> {
  return withScratchRepository(scratch, async (gitDir) => {
    if (blobs !== undefined) {
      const missing = await missingObjects(gitDir, blobs.ids, signal)
      const { objectFormat } = scratch
      const spec = {
        directory: join(gitDir, 'objects/pack'),
        objectHash: objectFormat === 'sha256' ? objectFormat : 'sha1',
        count: missing.size,
      } as const
      if (missing.size > 0) await writePack(spec, blobs.bring(missing))
    }
    signal?.throwIfAborted()
    await runImport(gitDir, stream(importRef), signal)
    const id = (await readFile(join(gitDir, importRef), 'utf8')).trim()
    await adoptPacks(join(gitDir, 'objects/pack'), join(scratch.objects, 'pack'))
    return id
  })
}

/** Asked in the scratch repository, which has no remote: a partial clone would fetch each object that it is asked for. */
async function missingObjects(
  gitDir: string,
  ids: Iterable<string>,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const git = startGit({
    command: 'cat-file',
    args: ['--batch-check=%(objectname)', '--buffer'],
    cwd: gitDir,
    env: { ...isolatedEnvironment(process.env), GIT_DIR: gitDir },
    stdin: 'pipe',
    signal,
  })
  git.stdin?.end([...new Set(ids)].map((id) => `${id}\n`).join(''))
  const answers = await text(git.stdout)
  await git.succeeded
  return new Set([...answers.matchAll(/^([0-9a-f]+) missing$/gm)].map(([, id = '']) => id))
}

async function runImport(gitDir: string, stream: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<void> {
  const git = startGit({
    // No deltas: their search costs more time than the space is worth, and trees of packages share whole files.
    command: 'fast-import',
    args: ['--quiet', '--done', '--depth=0', '--date-format=raw'],
    settings: ['fastimport.unpackLimit=0', 'pack.compression=1', 'core.compression=1'],
    cwd: gitDir,
    env: { ...isolatedEnvironment(process.env), GIT_DIR: gitDir },
    stdin: 'pipe',
    signal,
  })
  git.stdout.resume()
  const { stdin } = git
  if (stdin === undefined) throw new DeliverError('failed', 'git fast-import has no input')
  const fed = await pipeline(Readable.from(stream, { objectMode: true }), stdin).catch((error: unknown) => ({
    error,
  }))
  if (fed !== undefined && !isBrokenPipe(fed.error)) {
    git.stop()
    await git.ended
    throw fed.error
  }
  await git.succeeded
}

/** Git went first, and its exit code tells why. */
function isBrokenPipe(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

async function adoptPacks(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  const names = await readdir(from)
  for (const pack of names.filter((name) => name.endsWith('.pack'))) {
    const base = pack.slice(0, -'.pack'.length)
    await writeFile(join(to, `${base}.keep`), keepNote)
    // A pack counts once its index is there, so that comes last.
    const others = names.filter((name) => name.startsWith(`${base}.`) && !/\.(idx|keep)$/.test(name))
    for (const name of [...others, `${base}.idx`]) await moveIn(join(from, name), join(to, name))
  }
}

async function moveIn(from: string, to: string): Promise<void> {
  await chmod(from, 0o444)
  await rename(from, to)
}
