/** The one place where ports get their adapters. Each is loaded when a command asks for it, and not before. */
import { homedir } from 'node:os'
import { systemClock } from './adapters/clock.js'
import type { AutoscalingConfig, Config, RolloutConfig } from './config/types.js'
import { DeliverError } from './errors.js'
import type { Alias, Fleet, Store, Transport } from './ports.js'
import type { Reporter } from './report/events.js'
import { loadLazily } from './lazily.js'

export async function openStore(config: Config): Promise<Store> {
  if (config.store === undefined) throw missing('store', "store: { directory: '/mnt/builds' }")
  const { place } = config.store
  if (place.kind === 's3') {
    const { openS3Store } = await import('./adapters/s3-store.js')
    return openS3Store({ place, clock: systemClock })
  }
  const { createDirectoryStore } = await import('./adapters/directory-store.js')
  return createDirectoryStore({ directory: absolute(config, place.directory) })
}

/** The fixed key that the config wants kept; undefined: none. */
export async function openAlias(config: Config): Promise<Alias | undefined> {
  const { alias: key, place } = config.store ?? {}
  if (key === undefined || place === undefined) return undefined
  if (place.kind === 's3') {
    const { openS3Alias } = await import('./adapters/s3-alias.js')
    return openS3Alias({ place, key, clock: systemClock })
  }
  const { createDirectoryAlias } = await import('./adapters/directory-alias.js')
  return createDirectoryAlias({ directory: absolute(config, place.directory), key })
}

export async function openFleet(config: Config, reporter: Reporter): Promise<Fleet> {
  if (config.fleet === undefined) throw missing('fleet', "fleet: { hosts: ['web1', 'web2'] }")
  if (typeof config.fleet === 'object' && 'autoscaling' in config.fleet)
    return openAutoscalingFleet(config.fleet.autoscaling, config.rollout, reporter)
  const { createStaticFleet } = await import('./adapters/static-fleet.js')
  return createStaticFleet(config.fleet)
}

const autoscalingModules = () =>
  Promise.all([
    import('./adapters/autoscaling-fleet.js'),
    import('./adapters/autoscaling/aws-autoscaling.js'),
    import('./adapters/autoscaling/aws-target-groups.js'),
    import('./adapters/autoscaling/aws-classic.js'),
  ])

async function openAutoscalingFleet(
  config: AutoscalingConfig,
  rollout: RolloutConfig,
  reporter: Reporter,
): Promise<Fleet> {
  const [
    { createAutoscalingFleet },
    { createAwsAutoscaling },
    { createTargetGroups },
    { createClassicBalancers },
  ] = await autoscalingModules()
  return createAutoscalingFleet({
    config,
    rollout,
    api: createAwsAutoscaling(config, systemClock),
    balancers: (kind, names) =>
      (kind === 'target' ? createTargetGroups : createClassicBalancers)(config, names, systemClock),
    clock: systemClock,
    warn: (text) => reporter.event({ type: 'warning', text }),
  })
}

export async function openTransport(
  config: Config,
  env: NodeJS.ProcessEnv,
  reporter: Reporter,
): Promise<Transport> {
  const { createSshTransport } = await import('./adapters/ssh/client-choice.js')
  const { ssh, directory } = config
  return createSshTransport({ ssh, env, home: homedir(), directory, reporter })
}

/** A section that this command needs, although the config is valid without it. */
export function missing(section: string, example: string): DeliverError {
  return new DeliverError('usage', `${section}: this command needs it, and the config has none`, {
    fix: `Add it, e.g. ${example}.`,
  })
}

function absolute(config: Config, path: string): string {
  return path.startsWith('/') ? path : `${config.directory}/${path}`
}

const loadFleetClients = (sdk: typeof import('./adapters/aws/sdk.js')) =>
  Promise.all([sdk.loadAutoScaling(), sdk.loadEc2(), sdk.loadTargetGroups(), sdk.loadClassicLoadBalancers()])

/**
 * Loads all that a whole `ship` may need. A setup that installs an app's dependencies anew may remove or replace deliver's
 * own files, where it is one of them; what is in memory by then goes on working.
 */
export async function loadEverything(config: Config): Promise<void> {
  const aws = typeof config.fleet === 'object' && 'autoscaling' in config.fleet
  await Promise.all([
    ...(config.store?.place.kind === 's3'
      ? [import('./adapters/s3-store.js'), import('./adapters/s3-alias.js')]
      : [import('./adapters/directory-store.js'), import('./adapters/directory-alias.js')]),
    ...(aws ? [autoscalingModules(), import('./adapters/aws/sdk.js').then(loadFleetClients)] : []),
    import('./remote/agent-program.js').then(({ agentProgram }) => agentProgram()),
    import('./adapters/git.js'),
    import('./adapters/static-fleet.js'),
    import('./adapters/ssh/client-choice.js'),
    import('./adapters/ssh/ssh2.js').then(({ loadSsh2 }) => loadSsh2()),
    import('node:readline/promises'),
    import('node:http'),
    import('node:tls'),
  ])
  await loadLazily()
}
