import type { SecretText } from '../config/secret.js'
import type { Config } from '../config/types.js'
import type { SecretPlace } from '../secrets/vault.js'
import type { CommandContext } from './context.js'

/** Where a command's secrets are read. */
export function secretPlace(context: CommandContext, config: Config): SecretPlace {
  return { directory: config.directory, env: context.env, signal: context.interrupt.signal }
}

export async function revealed(
  context: CommandContext,
  config: Config,
  values: Readonly<Record<string, SecretText>>,
  where: string,
): Promise<Readonly<Record<string, string>>> {
  return context.secrets.revealAll(values, where, secretPlace(context, config))
}

/** The config with the headers of its health check read: whoever probes a host needs them. */
export async function withHealthSecrets(context: CommandContext, config: Config): Promise<Config> {
  const { health } = config
  if (health?.check.kind !== 'http') return config
  const headers = await revealed(context, config, health.check.headers, 'health.http.headers')
  return { ...config, health: { ...health, check: { ...health.check, headers } } }
}
