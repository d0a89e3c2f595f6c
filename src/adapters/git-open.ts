import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { SimpleGit } from 'simple-git'
import { DeliverError } from '../errors.js'
import type { GitLocation } from '../ports.js'
import { gitEnvironment, gitError, hardening } from './git-command.js'

/** What a git command answered; a non-zero code is for the caller to judge. */
export interface GitAnswer {
  readonly code: number
  readonly text: string
  readonly said: string
}

export type GitQuery = (...args: string[]) => Promise<GitAnswer>

/** Short queries of ASCII answers, through simple-git. Every argument is literal, or an id or name that was checked. */
export async function gitQueries(directory: string): Promise<GitQuery> {
  const { simpleGit } = await import('simple-git')
  const env = gitEnvironment(process.env)
  return async (...args) => {
    const answer = { code: 0, said: '' }
    const git: SimpleGit = simpleGit({
      baseDir: directory,
      config: hardening,
      // simple-git guards against these two being turned on by what users type; here they are turned off.
      unsafe: { allowUnsafeHooksPath: true, allowUnsafeFsMonitor: true },
      allowEnvironment: Object.keys(env),
      errors: (error, result) => {
        answer.code = result.exitCode
        answer.said = Buffer.concat(result.stdErr).toString('utf8').trim()
        return error instanceof Error ? error : undefined
      },
    }).env(env)
    const text = await git.raw(args).catch((error: unknown) => {
      if (answer.code > 0) return ''
      throw notStarted(error)
    })
    return { ...answer, text }
  }
}

function notStarted(error: unknown): DeliverError {
  const because = error instanceof Error ? error.message : String(error)
  return gitError('', { kind: 'not-started', because, missing: because.includes('ENOENT') }, '')
}

export interface OpenedRepository {
  readonly location: GitLocation
  readonly objects: string
  readonly objectFormat: string
  readonly query: GitQuery
}

/** Finds the repository that a directory is in, and refuses what can't hold a build. */
export async function openRepository(path: string): Promise<OpenedRepository> {
  const directory = await realpath(path).catch((cause: unknown) => {
    throw new DeliverError('usage', `${path}: there is no such directory`, {
      fix: 'Run deliver in the checkout of the app.',
      cause,
    })
  })
  const query = await gitQueries(directory)
  // Together: each start of git is a wait.
  const [version, where] = await Promise.all([query('version'), query('rev-parse', ...asked)])
  checkVersion(version)
  if (where.code !== 0) throw notARepository(directory, where.said)
  const [, isInside, ...places] = where.text.replace(/\n$/, '').split('\n')
  if (isInside !== 'true') {
    throw new DeliverError(
      'precondition',
      `${directory}: a bare repository, or its git directory, has no work tree to build in`,
      {
        fix: 'Run deliver in a clone, or in a work tree made by `git worktree add`.',
      },
    )
  }
  const [common, objects, prefix, objectFormat] = places
  // More of them: there is a line break in a path.
  const isClear = places.length === 4
  if (!isClear || common === undefined || objects === undefined || prefix === undefined || !objectFormat)
    throw unclear(directory, where)
  return {
    location: { directory, subdirectory: prefix.replace(/\/$/, ''), state: join(common, 'deliver') },
    objects,
    objectFormat,
    query,
  }
}

/** A line is told for each. */
const asked = [
  ...['--is-bare-repository', '--is-inside-work-tree'],
  ...['--path-format=absolute', '--git-common-dir', '--git-path', 'objects'],
  ...['--show-prefix', '--show-object-format'],
]

function checkVersion({ text }: GitAnswer): void {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? []
  if (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 31)) return
  throw new DeliverError('precondition', `${text.trim() || 'git of unknown version'} is too old`, {
    fix: 'Install git 2.31 or newer.',
  })
}

function notARepository(directory: string, said: string): DeliverError {
  const foreign = /dubious ownership|unsafe repository/.test(said)
  const message = foreign
    ? `${directory}: git refuses the repository, for another user owns it`
    : `${directory}: not in a git repository that can be read${said === '' ? '' : ` (${said})`}`
  const fix = foreign
    ? `Run as its owner, or trust it: git config --global --add safe.directory ${shellWord(directory)}`
    : 'Run deliver in a clone of the app, or name its config file with -c.'
  return new DeliverError('precondition', message, { fix })
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function unclear(directory: string, { said }: GitAnswer): DeliverError {
  return new DeliverError(
    'precondition',
    `${directory}: git can't tell where its repository is ${said}`.trim(),
    {
      fix: 'Check that no directory above has a line break in its name.',
    },
  )
}
