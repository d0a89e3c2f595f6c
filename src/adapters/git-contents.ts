import { DeliverError } from '../errors.js'
import { type GitProcess, startGit } from './git-command.js'

export interface ContentsSpec {
  /** Somewhere in the clone. */
  readonly directory: string
  readonly commit: string
  /** From the root of the tree. */
  readonly paths: readonly Buffer[]
  /** More bytes than this, of all files together, are refused. */
  readonly limit: number
  readonly env: Readonly<Record<string, string>>
}

/** What the commit has in these files, one for each path. Rejects when one is not there or no file, or all are too large. */
export async function readContents(spec: ContentsSpec): Promise<readonly Buffer[]> {
  const { directory, commit, paths, limit, env } = spec
  const end = Buffer.from('\n')
  // What git reads ends at a newline, whatever stands around a name.
  if (paths.some((path) => path.includes(end))) throw unreadable('a name has a newline')
  const git = startGit({ command: 'cat-file', args: ['--batch'], cwd: directory, env, stdin: 'pipe' })
  try {
    const { stdin } = git
    if (stdin === undefined) throw unreadable('git has no input')
    // A git that ended early is told by what it wrote.
    stdin.on('error', () => undefined)
    stdin.end(Buffer.concat(paths.flatMap((path) => [Buffer.from(`${commit}:`), path, end])))
    const found = parse(await collect(git, limit + paths.length * 100))
    await git.succeeded
    if (found.length !== paths.length) throw unreadable(`${found.length} of ${paths.length} files`)
    return found
  } finally {
    git.stop()
  }
}

async function collect(git: GitProcess, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of git.stdout as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw unreadable('they are too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `ID blob SIZE`, a newline, the content, and a newline, for each. */
function parse(answer: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < answer.length;) {
    const line = answer.indexOf(10, at)
    const said = answer.subarray(at, line === -1 ? answer.length : line).toString('latin1')
    const size = /^[0-9a-f]{40,64} blob (\d{1,12})$/.exec(said)?.[1]
    if (line === -1 || size === undefined) throw unreadable(said.slice(0, 200))
    const start = line + 1
    at = start + Number(size) + 1
    if (at > answer.length) throw unreadable('git was cut short')
    found.push(answer.subarray(start, at - 1))
  }
  return found
}

function unreadable(why: string): DeliverError {
  return new DeliverError('failed', `files of the commit can't be read: ${why}`, {
    fix: 'Fetch it, or run `git fsck`.',
  })
}
