import type { Selection } from '../plan/select.js'

/** What `deploy`, `rollback` and `ship` take from the command line. Unset ones leave the config alone. */
export interface RolloutOptions extends Selection {
  readonly batch?: string | undefined
  readonly strategy?: string | undefined
  readonly onFailure?: string | undefined
  readonly dryRun?: boolean | undefined
  readonly lockWait?: string | undefined
  readonly yes?: boolean | undefined
  readonly onlyOutdated?: boolean | undefined
}

/** The options as values for config paths, so that the config's own rules judge them. */
export function rolloutFlags(options: RolloutOptions): Readonly<Record<string, string>> {
  const flags = {
    'rollout.batch': options.batch,
    'rollout.strategy': options.strategy,
    'rollout.onFailure': options.onFailure,
  }
  return Object.fromEntries(
    Object.entries(flags).flatMap(([path, value]) => (value === undefined ? [] : [[path, value]])),
  )
}
