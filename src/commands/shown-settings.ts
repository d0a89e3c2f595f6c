import type { Config } from '../config/types.js'
import type { ShownSetting } from '../report/events.js'

/**
 * What of a config may be shown in reports. Chosen one by one, since any other text may hold a secret: commands, headers,
 * environment variables and paths of keys are not among them.
 */
export function shownSettings(config: Config): readonly ShownSetting[] {
  const { archive, store, fleet, ssh, target, service, rollout, health, build } = config
  const settings: readonly (readonly [string, unknown])[] = [
    ['app', config.app],
    ['environment', config.environment],
    ['build.timeout', ms(build.timeout)],
    ['build.deps', build.deps?.join(', ')],
    ['archive.format', archive.format],
    ['store', store === undefined ? undefined : placeOf(store.place)],
    ['store.keep', store?.keep],
    ['fleet', fleet === undefined ? undefined : fleetOf(fleet)],
    ['ssh.user', ssh.user],
    ['ssh.port', ssh.port],
    ['ssh.hostKeys', ssh.hostKeys],
    ['ssh.concurrency', ssh.concurrency],
    ['target.path', target?.path],
    ['target.keep', target?.keep],
    ['target.shared', target?.shared.join(', ')],
    ['target.verify', target?.verify],
    ['service.manager', service?.manager.kind],
    ['service.timeout', ms(service?.timeout)],
    ['rollout.strategy', rollout.strategy],
    ['rollout.batch', rollout.batch.map(sizeOf).join(', ')],
    ['rollout.maxUnavailable', rollout.maxUnavailable && sizeOf(rollout.maxUnavailable)],
    ['rollout.maxFailures', sizeOf(rollout.maxFailures)],
    ['rollout.canary', rollout.canary && `${rollout.canary.hosts} for ${rollout.canary.bake} ms`],
    ['rollout.onFailure', rollout.onFailure],
    ['rollout.pause', ms(rollout.pause)],
    ['rollout.drain', rollout.drain.kind],
    ['rollout.migrate', rollout.migrate === undefined ? undefined : 'yes'],
    ['health', health === undefined ? 'none' : checkOf(health.check)],
    ['health.successes', health?.successes],
    ['health.minUptime', ms(health?.minUptime)],
    ['health.interval', ms(health?.interval)],
    ['health.deadline', ms(health?.deadline)],
  ]
  return settings.flatMap(([path, value]) =>
    typeof value === 'string' || typeof value === 'number' ? [{ path, value: String(value) }] : [],
  )
}

const ms = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : `${value} ms`

function sizeOf(size: Config['rollout']['maxFailures']): string {
  return 'count' in size ? String(size.count) : `${size.percent}%`
}

function placeOf(place: NonNullable<Config['store']>['place']): string {
  return place.kind === 'directory' ? place.directory : `s3://${place.bucket}/${place.prefix}`
}

function fleetOf(fleet: NonNullable<Config['fleet']>): string {
  if (typeof fleet === 'function') return 'a function'
  if ('hosts' in fleet) return `${fleet.hosts.length} hosts of the config`
  const { groups } = fleet.autoscaling
  return 'names' in groups ? `groups ${groups.names.join(', ')}` : 'groups by tags'
}

/** A URL without what may be a secret in it: user and query. */
function checkOf(check: NonNullable<Config['health']>['check']): string {
  if (check.kind === 'command') return 'a command'
  if (check.kind === 'tcp') return `tcp ${check.host}:${check.port}`
  const url = new URL(check.url)
  return `${url.protocol}//${url.host}${url.pathname}`
}
