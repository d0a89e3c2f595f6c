/**
 * The commands as functions, for programs that deploy. Each is loaded when it is called, so that a config file that imports
 * `defineConfig` costs nothing.
 */
import type { CheckOptions } from './commands/check.js'
import type { CleanOptions } from './commands/clean.js'
import type { CommitDepsOptions } from './commands/commit-deps.js'
import type { CommandContext, CommandResult } from './commands/context.js'
import type { DeployOptions } from './commands/deploy.js'
import type { ExecOptions } from './commands/exec.js'
import type { HistoryOptions } from './commands/history.js'
import type { LogsOptions } from './commands/logs.js'
import type { ReleasesOptions } from './commands/releases.js'
import type { ArchiveOptions } from './commands/archive.js'
import type { PublishOptions } from './commands/publish.js'
import type { PruneOptions } from './commands/prune.js'
import type { RollbackOptions } from './commands/rollback.js'
import type { SetupOptions } from './commands/setup.js'
import type { ShipOptions } from './commands/ship.js'
import type { StatusOptions } from './commands/status.js'
import type { UserDataOptions } from './commands/user-data.js'
import { writtenSecrets } from './config/notify.js'
import type { Config } from './config/types.js'
import type { DeliverEvent, Reporter } from './report/events.js'
import { redactedData, redactedError, redactingReporter } from './secrets/redacting.js'
import { Vault } from './secrets/vault.js'

export interface ContextOptions {
  /** Where the config is looked for. Default: the process's directory. */
  readonly cwd?: string
  /** A config file, instead of looking for one. */
  readonly config?: string
  /** As `-e`. */
  readonly environment?: string
  /** Default: the process's. */
  readonly env?: NodeJS.ProcessEnv
  /** Called for all that happens. Must not throw. */
  readonly onEvent?: (event: DeliverEvent) => void
  /** Aborting it stops the command at its next safe place. */
  readonly signal?: AbortSignal
}

/** What commands are given. One context is for one environment, and its config is loaded once. */
export function createContext(options: ContextOptions = {}): CommandContext {
  const { cwd = process.cwd(), env = process.env, onEvent, signal = new AbortController().signal } = options
  let config: Promise<Config> | undefined
  const raw: Reporter = { event: (event) => onEvent?.(event), close: () => Promise.resolve() }
  const secrets = new Vault((text) => reporter.event({ type: 'warning', text }))
  const reporter = redactingReporter(raw, secrets.redactor.redact)
  return {
    cwd,
    env,
    reporter,
    secrets,
    interrupt: {
      signal,
      get reason() {
        return signal.aborted ? ('interrupted' as const) : undefined
      },
    },
    print: (text) => reporter.event({ type: 'note', text }),
    config: (flags = {}) =>
      (config ??= load({ ...options, cwd, env }, flags).then((loaded) => {
        secrets.watch(loaded, env)
        secrets.hide(writtenSecrets(loaded.notify))
        return loaded
      })),
  }
}

async function load(
  {
    cwd,
    env,
    config,
    environment,
  }: ContextOptions & { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  flags: Readonly<Record<string, string>>,
): Promise<Config> {
  const { loadConfig } = await import('./config/load.js')
  return loadConfig({
    cwd,
    env,
    flags,
    ...(config === undefined ? {} : { file: config }),
    ...(environment === undefined ? {} : { environment }),
  })
}

type Result = Promise<CommandResult>

/** What a command ends with, without secrets. */
async function told({ secrets }: CommandContext, command: () => Result): Result {
  const { redact } = secrets.redactor
  try {
    return redactedData<CommandResult>(await command(), redact)
  } catch (error) {
    throw redactedError(error, redact)
  }
}
/** Failures that the CLI prints as errors reject with a DeliverError; a rollout that failed resolves with its exit code. */
export const setup = async (context: CommandContext, options?: SetupOptions): Result =>
  told(context, async () => (await import('./commands/setup.js')).setup(context, options))
export const commitDeps = async (context: CommandContext, options?: CommitDepsOptions): Result =>
  told(context, async () => (await import('./commands/commit-deps.js')).commitDeps(context, options))
export const archive = async (context: CommandContext, options?: ArchiveOptions): Result =>
  told(context, async () => (await import('./commands/archive.js')).archive(context, options))
export const publish = async (context: CommandContext, options?: PublishOptions): Result =>
  told(context, async () => (await import('./commands/publish.js')).publish(context, options))
export const deploy = async (context: CommandContext, options?: DeployOptions): Result =>
  told(context, async () => (await import('./commands/deploy.js')).deploy(context, options))
export const rollback = async (context: CommandContext, options?: RollbackOptions): Result =>
  told(context, async () => (await import('./commands/rollback.js')).rollback(context, options))
export const ship = async (context: CommandContext, options?: ShipOptions): Result =>
  told(context, async () => (await import('./commands/ship.js')).ship(context, options))
export const status = async (context: CommandContext, options?: StatusOptions): Result =>
  told(context, async () => (await import('./commands/status.js')).status(context, options))
/** A problem is no rejection: the exit code tells, and `data` has the findings. */
export const check = async (context: CommandContext, options?: CheckOptions): Result =>
  told(context, async () => (await import('./commands/check.js')).check(context, options))
export const releases = async (context: CommandContext, options?: ReleasesOptions): Result =>
  told(context, async () => (await import('./commands/releases.js')).releases(context, options))
export const history = async (context: CommandContext, options?: HistoryOptions): Result =>
  told(context, async () => (await import('./commands/history.js')).history(context, options))
export const exec = async (context: CommandContext, options: ExecOptions): Result =>
  told(context, async () => (await import('./commands/exec.js')).exec(context, options))
export const logs = async (context: CommandContext, options?: LogsOptions): Result =>
  told(context, async () => (await import('./commands/logs.js')).logs(context, options))
export const clean = async (context: CommandContext, options?: CleanOptions): Result =>
  told(context, async () => (await import('./commands/clean.js')).clean(context, options))
export const prune = async (context: CommandContext, options?: PruneOptions): Result =>
  told(context, async () => (await import('./commands/prune.js')).prune(context, options))
export const unlock = async (context: CommandContext, options: { readonly id: string }): Result =>
  told(context, async () => (await import('./commands/unlock.js')).unlock(context, options))
/** Gives the script to `onEvent`, as a note. */
export const userData = async (context: CommandContext, options?: UserDataOptions): Result =>
  told(context, async () => (await import('./commands/user-data.js')).userData(context, options))
export const iam = async (context: CommandContext, options?: { readonly policy?: string }): Result =>
  told(context, async () => (await import('./commands/iam.js')).iam(context, options))
