import type { Selection } from '../plan/select.js'

/** What `deploy`, `rollback` and `ship` take from the command line. Unset ones leave the config alone. */
export interface RolloutOptions extends Selection {
  readonly batch?: string | undefined
  readonly maxUnavailable?: string | undefined
  readonly maxFailures?: string | undefined
  readonly allowUnreachable?: string | undefined
  /** How many hosts there must be, instead of about as many as last time. */
  readonly expect?: string | undefined
  /** A fleet without hosts gets the release by the pointer alone. */
  readonly allowEmpty?: boolean | undefined
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
    'rollout.maxUnavailable': options.maxUnavailable,
    'rollout.maxFailures': options.maxFailures,
    'rollout.allowUnreachable': options.allowUnreachable,
    'rollout.strategy': options.strategy,
    'rollout.onFailure': options.onFailure,
  }
  return Object.fromEntries(
    Object.entries(flags).flatMap(([path, value]) => (value === undefined ? [] : [[path, value]])),
  )
}
