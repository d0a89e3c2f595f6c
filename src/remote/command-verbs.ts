import { looking, mutating, type Args, type Mutation } from './call.js'
import { seconds } from './service-args.js'
import type { AgentCall } from './wire.js'

/** Calls that run a command of the config. */

/** Runs a command of the config; what it prints is log text, its exit code a fact. */
export function run(of: {
  readonly command: string
  /** A place of the layout, or an absolute path. `release` needs `release`, complete on the host. */
  readonly directory: 'release' | 'current' | 'home' | `/${string}`
  readonly release?: string
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds, enforced on the host. */
  readonly timeout: number
}): AgentCall {
  const call = looking('run', [
    ['timeout', String(seconds(of.timeout))],
    ['dir', of.directory],
    ...(of.release === undefined ? [] : ([['release', of.release]] as const)),
    ...names(of.env),
    ['command', of.command],
  ])
  return of.env === undefined ? call : { ...call, env: of.env }
}

/**
 * Runs a command in a staged release, once for that release on this host: ok and `already` when it was done before. Code 17: its
 * time was up; 20: it failed; 24: it was begun before and cut off, and is not run. `again`: whatever was before. What it prints is told at the end.
 */
export function migrate(
  migration: Mutation & {
    readonly release: string
    readonly digest: string
    readonly command: string
    readonly env: Readonly<Record<string, string>>
    /** Milliseconds, enforced on the host. */
    readonly timeout: number
    readonly logLines: number
    readonly again: boolean
  },
): AgentCall {
  const { env } = migration
  const call = mutating('migrate', migration, [
    ['release', migration.release],
    ['digest', migration.digest],
    ['timeout', String(seconds(migration.timeout))],
    ['log-lines', String(migration.logLines)],
    ...(migration.again ? ([['again', 'yes']] as const) : []),
    ...names(env),
    ['command', migration.command],
  ])
  return { ...call, env }
}

/** Names are checked by the config's schema and by the agent; values are anything, and may be secrets. */
function names(variables: Readonly<Record<string, string>> = {}): Args {
  return [['variables', Object.keys(variables).join(' ')]]
}
