import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { cQuote } from './c-quote.js'
import { isolatedEnvironment, startGit } from './git-command.js'
import { type ScratchSpec, withScratchRepository } from './git-scratch.js'

export interface ArchiveSpec {
  readonly scratch: ScratchSpec
  readonly commit: string
  /** The part of the tree to archive; '' for all. Names in the tar keep it as a prefix. */
  readonly subdirectory: string
  /** Paths from the root of the tree that no attribute may change. */
  readonly verbatim: readonly string[]
  /** Paths from the root of the tree to leave out, with all that is below them. */
  readonly without: readonly string[]
  readonly signal?: AbortSignal | undefined
}

/**
 * Packages ship .gitattributes files (`export-ignore`, `eol=crlf`) that are meant for their own repositories. The scratch
 * repository's info/attributes outranks them all, so what was installed is what is archived.
 *
 * A subdirectory is chosen by a path and not as `commit:subdirectory`: git would not see the attributes of the directories above.
 */
export function openArchive(spec: ArchiveSpec): Readable {
  const { commit, subdirectory, without, signal } = spec
  const paths = [
    ...(subdirectory === '' ? [] : [`:(literal)${subdirectory}`]),
    ...without.map((path) => `:(exclude,literal)${path}`),
  ]
  return archiveFrom(
    { ...spec.scratch, attributes: verbatimAttributes(spec.verbatim) },
    async () => [commit, ...(paths.length === 0 ? [] : ['--', ...paths])],
    signal,
  )
}

/** The tar that `git archive` makes with these arguments in a scratch repository. */
export function archiveFrom(
  scratch: ScratchSpec,
  prepare: (gitDir: string) => Promise<readonly string[]>,
  signal: AbortSignal | undefined,
): Readable {
  const output = new PassThrough()
  withScratchRepository(scratch, async (gitDir) =>
    archiveInto(output, { gitDir, args: await prepare(gitDir), signal }),
  ).then(
    () => output.end(),
    (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  return output
}

async function archiveInto(
  output: PassThrough,
  {
    gitDir,
    args,
    signal,
  }: {
    readonly gitDir: string
    readonly args: readonly string[]
    readonly signal: AbortSignal | undefined
  },
): Promise<void> {
  const git = startGit({
    command: 'archive',
    args: ['--format=tar', ...args],
    settings,
    cwd: gitDir,
    env: { ...isolatedEnvironment(process.env), GIT_DIR: gitDir },
    signal,
  })
  try {
    // The end waits for git's exit code: a tar that is cut at a member's boundary looks whole.
    await pipeline(git.stdout, output, { end: false })
  } catch (error) {
    git.stop()
    await git.ended
    throw error
  }
  await git.succeeded
}

// The protections refuse names that only other operating systems mistake for `.git`; packages do ship such names.
const settings = ['tar.umask=0022', 'core.protectNTFS=false', 'core.protectHFS=false']

const plain = '-export-ignore -export-subst -text -ident -filter !eol !crlf !working-tree-encoding'

export function verbatimAttributes(paths: readonly string[]): Buffer {
  const lines = paths.flatMap((path) => {
    const literal = '/' + path.replace(/[\\*?[\]]/g, '\\$&')
    return [literal, `${literal}/**`].map((pattern) => line(pattern))
  })
  return Buffer.concat(lines)
}

/** Everything of a tree, below whatever attributes it has of its own. */
export function allVerbatim(): Buffer {
  return line('*')
}

function line(pattern: string): Buffer {
  return Buffer.concat([cQuote(Buffer.from(pattern)), Buffer.from(` ${plain}\n`)])
}
