import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { type CommitRequest, type CommitResult, commitDependencies } from '../../src/build/commit.js'
import type { Clock } from '../../src/ports.js'
import type { DeliverEvent, Reporter } from '../../src/report/events.js'

const made: string[] = []

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

export function scratchDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'deliver-build-')))
  made.push(directory)
  return directory
}

/** A real git, with nothing of this machine's or user's configuration. */
export function git(cwd: string, ...args: string[]): string {
  return gitBytes(cwd, ...args)
    .toString('utf8')
    .trim()
}

export function gitBytes(cwd: string, ...args: string[]): Buffer {
  return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
    cwd,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Author',
      GIT_AUTHOR_EMAIL: 'author@example.com',
      GIT_COMMITTER_NAME: 'Committer',
      GIT_COMMITTER_EMAIL: 'committer@example.com',
      GIT_AUTHOR_DATE: '2024-02-03T04:05:06Z',
      GIT_COMMITTER_DATE: '2024-02-03T04:05:06Z',
    },
  })
}

export type Files = Readonly<Record<string, string | Buffer>>

export function write(directory: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), content)
  }
}

export const appFiles: Files = {
  'package.json': '{"name":"app","dependencies":{"left":"1"}}\n',
  'server.js': 'require("left")\n',
  '.gitignore': 'node_modules/\n',
}

/** A repository with one commit of an app, and what an installer would put beside it. */
export function appRepository(
  files: Files = {},
  dependencies: Files = { 'node_modules/left/index.js': 'left\n' },
  ...init: string[]
): string {
  const directory = scratchDirectory()
  git(directory, 'init', '-q', '-b', 'main', ...init)
  write(directory, { ...appFiles, ...files })
  git(directory, 'add', '-A')
  git(directory, 'commit', '-q', '-m', 'Add the app')
  write(directory, dependencies)
  return directory
}

export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      })
    }),
}

export function recorder(): Reporter & { readonly events: DeliverEvent[]; warnings(): string[] } {
  const events: DeliverEvent[] = []
  return {
    events,
    event: (event) => void events.push(event),
    close: async () => undefined,
    warnings: () => events.flatMap((event) => (event.type === 'warning' ? [event.text] : [])),
  }
}

export async function commit(
  directory: string,
  release = 'r1',
  options: Partial<CommitRequest> = {},
): Promise<CommitResult> {
  return commitDependencies({
    git: await openGit(directory),
    clock: realClock,
    reporter: recorder(),
    release,
    deps: ['node_modules'],
    lockWait: 20_000,
    ...options,
  })
}

/** Mode, object id and path of everything in a commit. */
export function tree(directory: string, revision: string): string[] {
  return git(directory, '-c', 'core.quotePath=false', 'ls-tree', '-r', revision).split('\n')
}

/** Every file below a directory with size, content and times, to see that nothing of it changed. */
export function fingerprint(
  directory: string,
  except: (path: string) => boolean = () => false,
): Record<string, string> {
  const result: Record<string, string> = {}
  const visit = (path: string): void => {
    for (const name of readdirSync(join(directory, path))) {
      const child = path === '' ? name : `${path}/${name}`
      if (except(child)) continue
      const stats = lstatSync(join(directory, child))
      if (stats.isDirectory()) visit(child)
      else if (stats.isFile())
        result[child] =
          `${stats.mtimeMs} ${stats.mode} ${readFileSync(join(directory, child)).toString('base64')}`
      else result[child] = String(stats.mode)
    }
  }
  visit('')
  return result
}
