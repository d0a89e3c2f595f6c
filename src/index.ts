import type { ConfigExport } from './config/schema.js'

export type { CommandContext, CommandResult } from './commands/context.js'
export type { ConfigExport, ConfigInput } from './config/schema.js'
export type { Config, FleetFunction, FleetInstance, HostConfig } from './config/types.js'
export { DeliverError, exitCodes, type ErrorKind } from './errors.js'
export { secret, type Secret, type SecretText } from './config/secret.js'
export * from './library.js'
export type { Outcome } from './plan/outcome.js'
export type { RolloutPlan } from './plan/types.js'
export type { DeliverEvent } from './report/events.js'

/** Gives a config file types: `export default defineConfig({ app: 'api' })`. Returns what it is given. */
export function defineConfig<T extends ConfigExport>(config: T): T {
  return config
}
