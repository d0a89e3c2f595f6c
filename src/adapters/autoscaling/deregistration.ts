import { DeliverError } from '../../errors.js'
import type { Clock, Drain } from '../../ports.js'
import type { Balancers, RegistrationState, Standing } from './balancers.js'
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
      const late = await missing(options, found, 'out', signal)
      if (late.length > 0)
        throw new DeliverError('failed', `rollout.drain: not drained: ${late.map(textOf).join('; ')}`, {
          fix: 'Check the deregistration delay, or give it longer: rollout.drainTimeout.',
        })
    },

    async bringBack(hosts, changes, signal) {
      const ids = new Set(hosts.map(({ instance }) => instance))
      const own = [...removed].filter(([, { instance }]) => ids.has(instance))
      const back = await registerAgain(
        options,
        own.map(([, registration]) => registration),
        signal,
      )
      const late = await missing(options, back, 'in', signal)
      const done = own.filter(([, { instance }]) => !late.some((each) => each.instance === instance))
      for (const [entry] of done) removed.delete(entry)
      await changes.remove(done.map(([entry]) => entry))
      return new Map(
        hosts.flatMap(({ name, instance }) => {
          const texts = late.filter((each) => each.instance === instance).map(textOf)
          return texts.length === 0 ? [] : [[name, texts.join('; ')] as const]
        }),
      )
    },
  }
}

/** Gives those that were registered: an instance that is gone needs no traffic, and a load balancer that is gone sends none. */
export async function registerAgain(
  { balancers, alive }: Pick<DeregistrationOptions, 'balancers' | 'alive'>,
  registrations: readonly Registration[],
  signal?: AbortSignal,
): Promise<readonly Registration[]> {
  if (registrations.length === 0) return []
  const running = await alive(instancesOf(registrations), signal)
  const staying = registrations.filter(({ instance }) => running.has(instance))
  // Whatever their state: one that still drains looks as if it served, and stops draining when it is registered.
  const registered: Registration[] = []
  for (const own of byBalancer(staying)) if (await balancers.register(own, signal)) registered.push(...own)
  return registered
}

interface Late extends Registration, Standing {
  /** Seconds that it was waited for. */
  readonly waited: number
}

/** Those that are not as they should be when the time is up. An instance that is gone is waited for no more. */
async function missing(
  { balancers, alive, clock, timeout }: DeregistrationOptions,
  registrations: readonly Registration[],
  goal: RegistrationState,
  signal?: AbortSignal,
): Promise<readonly Late[]> {
  if (registrations.length === 0) return []
  let late: readonly Late[] = []
  const isThere = async (): Promise<boolean> => {
    const standings = await balancers.states(registrations, signal)
    const others = registrations.flatMap((each, at): Late[] => {
      const standing = standings[at] ?? { state: 'out', said: 'not registered' }
      return standing.state === goal ? [] : [{ ...each, ...standing, waited: Math.round(timeout / 1000) }]
    })
    const running = others.length === 0 ? new Set() : await alive(instancesOf(others), signal)
    late = others.filter(({ instance }) => running.has(instance))
    return late.length === 0
  }
  await waitFor(isThere, { clock, until: clock.now() + timeout, signal })
  return late
}

function textOf({ target, port, balancer, said, waited }: Late): string {
  return `${target}${port === undefined ? '' : `:${port}`} in ${shortName(balancer)} is ${said} after ${waited} s`
}

/** The name in the ARN of a target group. */
function shortName(balancer: string): string {
  return /:targetgroup\/([^/]+)\//.exec(balancer)?.[1] ?? balancer
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
