import type { AutoscalingConfig, RolloutConfig } from '../config/types.js'
import { DeliverError } from '../errors.js'
import type { Clock, Drain, Fleet, Host, LeftOut, PendingHost } from '../ports.js'
import type { AutoscalingApi, Group } from './autoscaling/api.js'
import type { Balancers } from './autoscaling/balancers.js'
import { createDeregistration } from './autoscaling/deregistration.js'
import { createRestore } from './autoscaling/restore.js'
import { isInteresting, selectInstances, type Selection } from './autoscaling/select.js'
import { createStandby } from './autoscaling/standby.js'

export interface AutoscalingFleetOptions {
  readonly config: AutoscalingConfig
  readonly rollout: Pick<RolloutConfig, 'drain' | 'drainTimeout'>
  readonly api: AutoscalingApi
  /** Load balancers of a kind, by the names of the config; opened when they are needed. */
  readonly balancers: (kind: Balancers['kind'], names: readonly string[]) => Balancers
  readonly clock: Clock
  readonly warn: (text: string) => void
}

/** The instances in service of Auto Scaling groups. */
export function createAutoscalingFleet(options: AutoscalingFleetOptions): Fleet {
  const { config, api } = options
  const held = new Map<string, string>()
  const listed = new Set<string>()
  const told = new Set<string>()

  const read = async (signal?: AbortSignal): Promise<readonly Group[]> => {
    const groups = await api.groups(config.groups, signal)
    await refuseMissing(api, config, groups)
    return groups
  }

  async function select(signal?: AbortSignal): Promise<Selection> {
    const members = (await read(signal)).flatMap((group) => group.members)
    const ids = members.filter((member) => isInteresting(member, { config, held })).map(({ id }) => id)
    const instances = ids.length === 0 ? [] : await api.instances(ids, config.filters, signal)
    return selectInstances({ members, instances, config, held, listed })
  }

  async function hosts(signal?: AbortSignal): Promise<readonly Host[]> {
    const { hosts: found, ignored } = await select(signal)
    for (const { id, because } of ignored) {
      const text = `${id} is not deployed to: ${because}`
      // Once each: the fleet is asked again and again.
      if (!told.has(text)) options.warn(text)
      told.add(text)
    }
    for (const { name } of found) listed.add(name)
    return found
  }

  const drain = drainOf(options, held)
  return {
    name: nameOf(config.groups),
    hosts,
    pending: async (signal): Promise<readonly PendingHost[]> => (await select(signal)).pending,
    leftOut: async (signal): Promise<readonly LeftOut[]> =>
      (await select(signal)).ignored.map(({ id, because, standby = false }) => ({
        name: id,
        because,
        standby,
      })),
    bootTimeout: config.bootTimeout,
    restore: restoreOf(options),
    ...(drain === undefined ? {} : { drain }),
    // Filters and other states choose a part of the group, whose size nobody has set.
    ...(Object.keys(config.filters).length === 0 && config.states.includes('InService')
      ? { desired: async (signal) => totalOf(await read(signal)) + held.size }
      : {}),
  }
}

function totalOf(groups: readonly Group[]): number {
  return groups.reduce((sum, { desired }) => sum + desired, 0)
}

function drainOf(options: AutoscalingFleetOptions, held: Map<string, string>): Drain | undefined {
  const { api, clock, warn, config } = options
  const { drain, drainTimeout: timeout } = options.rollout
  const restore = restoreOf(options)
  if (drain.kind === 'none') return undefined
  if (drain.kind === 'standby') {
    const groups = nameOf(config.groups)
    // A group that was removed meanwhile has nothing in standby.
    const read = (signal?: AbortSignal) => api.groups(config.groups, signal)
    return { ...createStandby({ api, groups, read, held, timeout, clock }), restore }
  }
  const balancers =
    drain.kind === 'targetGroups'
      ? options.balancers('target', drain.groups)
      : options.balancers('load-balancer', drain.names)
  return { ...createDeregistration({ balancers, alive: aliveBy(api), timeout, clock, warn }), restore }
}

function restoreOf({ api, clock, rollout, balancers }: AutoscalingFleetOptions): Drain['restore'] {
  return createRestore({
    api,
    balancers: (kind) => balancers(kind, []),
    alive: aliveBy(api),
    timeout: rollout.drainTimeout,
    clock,
  })
}

function aliveBy(api: AutoscalingApi) {
  return async (ids: readonly string[], signal?: AbortSignal): Promise<ReadonlySet<string>> => {
    const found = await api.instances(ids, {}, signal)
    return new Set(
      found.filter(({ state }) => state === 'running' || state === 'pending').map(({ id }) => id),
    )
  }
}

function nameOf(groups: AutoscalingConfig['groups']): string {
  if ('names' in groups) return `the group${groups.names.length === 1 ? '' : 's'} ${groups.names.join(', ')}`
  const tags = Object.entries(groups.tags).map(([key, value]) => `${key}=${value}`)
  return `the groups with ${tags.join(' ')}`
}

/** A group that is not there is a slip in the config: deploying to the others would look like success. */
async function refuseMissing(
  api: AutoscalingApi,
  { groups }: AutoscalingConfig,
  found: readonly Group[],
): Promise<void> {
  const names = new Set(found.map(({ name }) => name))
  const missing = 'names' in groups ? groups.names.filter((name) => !names.has(name)) : []
  if (missing.length === 0 && found.length > 0) return
  const where = 'names' in groups ? 'fleet.autoscaling.groups' : 'fleet.autoscaling.groups (tags)'
  const what =
    'names' in groups
      ? `no group ${missing.map((name) => JSON.stringify(name)).join(', ')}`
      : `no group carries all of ${Object.entries(groups.tags)
          .map(([key, value]) => `${key}=${value}`)
          .join(', ')}`
  throw new DeliverError('noHosts', `${where}: ${what} in ${await api.region()}`, {
    fix: 'Check the region and the account, and how the config spells it.',
  })
}
