import { join } from 'node:path'
import { verbatimAttributes } from './git-archive.js'
import { isolatedEnvironment, startGit } from './git-command.js'
import { type ScratchSpec, withScratchRepository } from './git-scratch.js'

export interface RestoreSpec {
  readonly scratch: ScratchSpec
  readonly commit: string
  /** The root of the work tree. */
  readonly top: string
  /** Directories and files, from that root, that no attribute may change. */
  readonly verbatim: readonly string[]
  /** What to write, from that root. */
  readonly paths: readonly Buffer[]
  readonly signal?: AbortSignal | undefined
}

/**
 * Writes files and links of a commit to the work tree, with an index of its own. What is in the way of one is unlinked and not
 * written through, for it may be a hard link into some package manager's store.
 */
export async function restorePaths(spec: RestoreSpec): Promise<void> {
  const scratch = { ...spec.scratch, attributes: verbatimAttributes(spec.verbatim) }
  await withScratchRepository(scratch, async (gitDir) => {
    const env = {
      ...isolatedEnvironment(process.env),
      GIT_DIR: gitDir,
      GIT_WORK_TREE: spec.top,
      GIT_INDEX_FILE: join(gitDir, 'index'),
    }
    const run = { settings, cwd: spec.top, env, signal: spec.signal }
    const read = startGit({ ...run, command: 'read-tree', args: [spec.commit] })
    read.stdout.resume()
    await read.succeeded
    const write = startGit({
      ...run,
      command: 'checkout-index',
      args: ['--quiet', '--force', '-z', '--stdin'],
      stdin: 'pipe',
    })
    write.stdout.resume()
    write.stdin?.end(Buffer.concat(spec.paths.flatMap((path) => [path, nul])))
    await write.succeeded
  })
}

const nul = Buffer.alloc(1)

// The protections are for names that only other systems mistake for `.git`.
const settings = [
  'core.bare=false',
  'core.symlinks=true',
  'core.autocrlf=false',
  'core.protectNTFS=false',
  'core.protectHFS=false',
]
