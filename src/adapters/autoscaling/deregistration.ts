import { DeliverError } from '../../errors.js'
import type { Clock, Drain } from '../../ports.js'
import type { Balancers, RegistrationState } from './balancers.js'
import { formatEntry, type Registration } from './entries.js'
import { waitFor } from './waiting.js'

export interface DeregistrationOptions {
  readonly balancers: Balancers
  /** Those of the instances that still run. */
  readonly alive: (ids: readonly string[], signal?: AbortSignal) => Promise<ReadonlySet<string>>
  /** Milliseconds for taking out, and again for bringing back. */
  readonly timeout: number
  readonly clock: Clock
  readonly warn: (text: string) => void
}

/** Takes hosts out of load balancers, waits until their connections have drained, and registers them as they were. */
export function createDeregistration(options: DeregistrationOptions): Omit<Drain, 'restore'> {
  const { balancers, warn } = options
  const removed = new Map<string, Registration>()

  return {
    name: balancers.name,

    async takeOut(hosts, changes, signal) {
      const found = await balancers.registrations(hosts, signal)
      const known = new Set(found.map(({ instance }) => instance))
      const strangers = hosts.filter(({ instance }) => instance === undefined || !known.has(instance))
      if (strangers.length > 0)
        warn(
          `${strangers.map(({ name }) => name).join(', ')}: not in ${balancers.name}, so there is nothing to drain`,
        )
      await changes.add(found.map((each) => entryOf(balancers, each)))
      for (const each of found) removed.set(entryOf(balancers, each), each)
      for (const own of byBalancer(found)) await balancers.deregister(own, signal)
      if (!(await reached(options, found, 'out', signal))) throw late(options, 'drained')
    },

    async bringBack(hosts, changes, signal) {
      const ids = new Set(hosts.map(({ instance }) => instance))
      const own = [...removed].filter(([, { instance }]) => ids.has(instance))
      const back = await registerAgain(
        options,
        own.map(([, registration]) => registration),
        signal,
      )
      if (!(await reached(options, back, 'in', signal))) throw late(options, 'healthy again')
      for (const [entry] of own) removed.delete(entry)
      await changes.remove(own.map(([entry]) => entry))
    },
  }
}

/** Gives those that were registered: an instance that is gone needs no traffic. */
export async function registerAgain(
  { balancers, alive }: Pick<DeregistrationOptions, 'balancers' | 'alive'>,
  registrations: readonly Registration[],
  signal?: AbortSignal,
): Promise<readonly Registration[]> {
  if (registrations.length === 0) return []
  const running = await alive(instancesOf(registrations), signal)
  const staying = registrations.filter(({ instance }) => running.has(instance))
  // Whatever their state: one that still drains looks as if it served, and stops draining when it is registered.
  for (const own of byBalancer(staying)) await balancers.register(own, signal)
  return staying
}

async function reached(
  { balancers, alive, clock, timeout }: DeregistrationOptions,
  registrations: readonly Registration[],
  goal: RegistrationState,
  signal?: AbortSignal,
): Promise<boolean> {
  if (registrations.length === 0) return true
  const isThere = async (): Promise<boolean> => {
    const states = await balancers.states(registrations, signal)
    const others = registrations.filter((_, at) => states[at] !== goal)
    if (others.length === 0) return true
    const running = await alive(instancesOf(others), signal)
    return others.every(({ instance }) => !running.has(instance))
  }
  return waitFor(isThere, { clock, until: clock.now() + timeout, signal })
}

function byBalancer(registrations: readonly Registration[]): readonly (readonly Registration[])[] {
  const names = [...new Set(registrations.map(({ balancer }) => balancer))]
  return names.map((name) => registrations.filter(({ balancer }) => balancer === name))
}

function instancesOf(registrations: readonly Registration[]): readonly string[] {
  return [...new Set(registrations.map(({ instance }) => instance))]
}

function entryOf({ kind }: Balancers, registration: Registration): string {
  return formatEntry({ kind, registration })
}

function late({ balancers, timeout }: DeregistrationOptions, goal: string): DeliverError {
  return new DeliverError(
    'failed',
    `rollout.drain: hosts in ${balancers.name} were not ${goal} within ${Math.round(timeout / 1000)} s`,
    { fix: 'Check the health check and the deregistration delay, or give it longer: rollout.drainTimeout.' },
  )
}
