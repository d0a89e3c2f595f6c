import type { Config } from '../config/types.js'
import type { Interrupt } from '../interrupt.js'
import type { Reporter } from '../report/events.js'
import type { Vault } from '../secrets/vault.js'

/** What every command is given by whoever calls it: the CLI, or a program that uses the library. */
export interface CommandContext {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly reporter: Reporter
  readonly interrupt: Pick<Interrupt, 'signal' | 'reason'>
  /**
   * Loads the config once; later calls give the same one. `flags` are values for config paths (`rollout.batch`) that win
   * over the file and the environment.
   */
  config(flags?: Readonly<Record<string, string>>): Promise<Config>
  /** Text that is the command's product, made to be copied or piped, and not a report of what happens. */
  print(text: string): void
  /** Reads what the config calls secret, and hides it. */
  readonly secrets: Vault
  /** Asks a person. Undefined where nobody can answer. */
  readonly ask?: (question: string) => Promise<boolean>
  /** Asks a person for a text; no answer is the fallback, else ''. Undefined where nobody can answer. */
  readonly askFor?: (question: string, fallback?: string) => Promise<string>
}

/** How a command ended: an exit code, one sentence for people and, for `--json`, data. */
export interface CommandResult {
  readonly code: number
  readonly text: string
  readonly fix?: string
  readonly data?: unknown
}
