import type { HostListConfig, FleetFunction } from '../config/types.js'
import { DeliverError, messageOf } from '../errors.js'
import type { Clock, Fleet, Host } from '../ports.js'
import { systemClock } from './clock.js'
import { parseHosts } from './host-entry.js'

const timeout = 60_000

/** The hosts that the config lists, or that its function finds; the function is called each time. */
export function createStaticFleet(config: HostListConfig, clock: Clock = systemClock): Fleet {
  if (typeof config !== 'function') {
    const hosts = parseHosts('fleet.hosts', config.hosts)
    return {
      name: `${hosts.length} host${hosts.length === 1 ? '' : 's'} of the config`,
      hosts: async () => hosts,
    }
  }
  return { name: 'hosts of the fleet function', hosts: async (signal) => call(config, clock, signal) }
}

async function call(find: FleetFunction, clock: Clock, signal?: AbortSignal): Promise<readonly Host[]> {
  signal?.throwIfAborted()
  const finished = new AbortController()
  const stop = signal === undefined ? finished.signal : AbortSignal.any([signal, finished.signal])
  const late = clock.sleep(timeout, stop).then(() => {
    throw failed(`no answer within ${timeout / 1000} s`)
  })
  try {
    return parseHosts('fleet()', await Promise.race([answer(find), late]))
  } finally {
    late.catch(() => undefined)
    finished.abort()
  }
}

/** Through a microtask of our own, so that a function that throws at once is like one that rejects. */
async function answer(find: FleetFunction): Promise<unknown> {
  try {
    return await find()
  } catch (cause) {
    throw failed(messageOf(cause), cause)
  }
}

function failed(problem: string, cause?: unknown): DeliverError {
  return new DeliverError('failed', `fleet(): the config's function failed: ${problem}`, {
    fix: 'Repair the function in the config, or what it asks.',
    cause,
  })
}
