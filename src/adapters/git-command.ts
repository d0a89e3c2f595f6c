import type { Readable } from 'node:stream'
import { DeliverError } from '../errors.js'
import { type ProcessEnd, type RunningProcess, startProcess } from './process.js'

/** Hooks and the file system monitor are programs that a repository names; nothing of ours may run them. */
export const hardening = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.quotePath=false']

type Environment = Readonly<Record<string, string | undefined>>

/** Variables that say where to look for a repository or for the user's configuration, not what to do with it. */
const kept = new Set([
  'GIT_CEILING_DIRECTORIES',
  'GIT_DISCOVERY_ACROSS_FILESYSTEM',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
])
const dropped = new Set(['EDITOR', 'VISUAL', 'PAGER', 'SSH_ASKPASS'])

/** The caller's environment without what would turn git to another repository, program or behaviour. */
export function gitEnvironment(env: Environment): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || dropped.has(name) || (name.startsWith('GIT_') && !kept.has(name))) continue
    result[name] = value
  }
  return {
    ...result,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    // `git status` would rewrite the user's index.
    GIT_OPTIONAL_LOCKS: '0',
    // An id means the object of that id, not what refs/replace puts in its place on this machine.
    GIT_NO_REPLACE_OBJECTS: '1',
  }
}

/** As above, and without any configuration of the machine or the user: what comes out depends on the repository alone. */
export function isolatedEnvironment(env: Environment): Record<string, string> {
  return {
    ...gitEnvironment(env),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
  }
}

export interface GitProcessSpec {
  readonly command: string
  readonly args: readonly string[]
  /** Settings for this run, `name=value`. */
  readonly settings?: readonly string[]
  readonly cwd: string
  readonly env: Environment
  readonly stdin?: 'pipe'
  readonly signal?: AbortSignal | undefined
}

export interface GitProcess extends RunningProcess {
  /** Rejects with a DeliverError that carries git's own message, unless it exits with 0. */
  readonly succeeded: Promise<void>
}

/** For what is streamed, or may hold bytes that are not UTF-8. */
export function startGit(spec: GitProcessSpec): GitProcess {
  const config = [...hardening, ...(spec.settings ?? [])].flatMap((setting) => ['-c', setting])
  const args = [...config, spec.command, ...spec.args]
  const running = startProcess({ ...spec, command: 'git', args })
  const said = keepTail(running.stderr)
  const succeeded = running.ended.then((end) => {
    if (end.kind !== 'exit' || end.code !== 0) throw gitError(spec.command, end, said())
  })
  // Whoever fails first is reported; the other rejection is then nobody's.
  succeeded.catch(() => undefined)
  return { ...running, succeeded }
}

export function gitError(command: string, end: ProcessEnd, said: string): DeliverError {
  if (end.kind === 'not-started') {
    return end.missing
      ? new DeliverError('precondition', 'git is not installed, or not in PATH', {
          fix: 'Install git 2.31 or newer.',
        })
      : new DeliverError('failed', `git could not be started: ${end.because}`, {
          fix: 'Run git --version in this directory: the system is short of something, or git is not executable.',
        })
  }
  if (end.kind === 'aborted') return new DeliverError('interrupted', `git ${command}: interrupted`)
  const how =
    end.kind === 'exit'
      ? `exit code ${end.code}`
      : end.kind === 'signal'
        ? `killed by ${end.signal}`
        : 'timed out'
  const fix = fixFor(said)
  return new DeliverError(
    'failed',
    `git ${command} failed (${how})${said === '' ? '' : `: ${said}`}`,
    fix === undefined ? {} : { fix },
  )
}

/** Only advice hangs on git's wording; what is a failure was decided by the exit code. */
export function fixFor(said: string): string | undefined {
  if (/no space left on device|disk quota/i.test(said)) return 'Free disk space and run again.'
  if (/read-only file system|permission denied/i.test(said))
    return 'Let this user write to the git directory.'
  return undefined
}

function keepTail(stream: Readable): () => string {
  let tail = ''
  stream.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('utf8')).slice(-4_000)
  })
  stream.on('error', () => undefined)
  return () => tail.trim()
}

/** Splits a stream at NUL bytes. */
export async function* nulRecords(stream: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, start)) {
      yield rest.length === 0
        ? chunk.subarray(start, end)
        : Buffer.concat([...rest, chunk.subarray(start, end)])
      rest = []
      start = end + 1
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
  }
}
