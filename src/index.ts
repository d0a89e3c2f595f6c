import type { ConfigExport } from './config/schema.js'

export type { ConfigExport, ConfigInput } from './config/schema.js'
export type { Config, FleetFunction, HostConfig } from './config/types.js'

/** Gives a config file types: `export default defineConfig({ app: 'api' })`. Returns what it is given. */
export function defineConfig<T extends ConfigExport>(config: T): T {
  return config
}
