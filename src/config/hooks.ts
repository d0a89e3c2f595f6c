import type { SecretText } from './secret.js'

/** The points around which hooks run, and what a hook is: what the schema makes of the config's `hooks`. */

/** Around the build steps, on the build machine. */
export const buildPoints = [
  'beforeSetup',
  'afterSetup',
  'beforeCommitDeps',
  'afterCommitDeps',
  'beforeArchive',
  'afterArchive',
  'beforePublish',
  'afterPublish',
] as const

/** Around what a rollout does with several hosts together. */
export const fleetPoints = [
  'beforeStage',
  'afterStage',
  'beforeRollout',
  'afterRollout',
  'beforeBatch',
  'afterBatch',
  'beforeRollback',
  'afterRollback',
  'onFailure',
] as const

/** Around what it does with each host. */
export const hostPoints = [
  'beforeHost',
  'afterHost',
  'beforeActivate',
  'afterActivate',
  'beforeSettle',
  'afterSettle',
] as const

export type HookPoint =
  (typeof buildPoints)[number] | (typeof fleetPoints)[number] | (typeof hostPoints)[number]

/** What is true at a point of a deploy. Commands find the same in `DELIVER_*` variables. */
export interface HookValues {
  readonly point: HookPoint
  readonly app: string
  readonly environment: string
  /** Of the rollout that this is a part of; undefined around the build steps. */
  readonly command?: 'deploy' | 'rollback'
  /** Undefined while there is none yet: around setup. */
  readonly release?: string
  /** What the host runs, at the points of one host; else what the pointer named when the command began. */
  readonly previous?: string
  /** The commit that was built. */
  readonly commit?: string
  /** target.path, as the config says it. */
  readonly path?: string
  /** The names of the hosts that the step is about. */
  readonly hosts: readonly string[]
  /** At the points of one host, and for a command on hosts. */
  readonly host?: string
  readonly batch?: { readonly number: number; readonly of: number }
  /** After a step `done`; in onFailure how the rollout ended: `failed`, `partial`, `rolledBack`, `rollbackFailed`. */
  readonly outcome?: string
  /** In onFailure, the reason. */
  readonly because?: string
}

/** What a function of the config is given. */
export interface HookContext extends HookValues {
  /** Aborts when the hook's time is up, or the command is interrupted. A function that ignores it is left behind. */
  readonly signal: AbortSignal
  /** A line in the report of the deploy. */
  readonly note: (text: string) => void
}

export type HookFunction = (context: HookContext) => void | Promise<void>

export interface Hook {
  readonly run: string | HookFunction
  /** `hosts`: on each host that the step is about, `first`: on the first of them. */
  readonly on: 'local' | 'hosts' | 'first'
  /** Locally relative to the config file. On hosts `release`, `current`, `home` or an absolute path. */
  readonly dir?: string
  /** Milliseconds. */
  readonly timeout: number
  readonly env: Readonly<Record<string, SecretText>>
  readonly failure: 'stop' | 'warn'
  /** For people. Never the whole command, which may carry a secret. */
  readonly name: string
}

export type HooksConfig = { readonly [P in HookPoint]?: readonly Hook[] }

export function isBuildPoint(point: HookPoint): boolean {
  return buildPoints.some((each) => each === point)
}
