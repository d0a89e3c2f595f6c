import type { AutoscalingConfig, FleetInstance } from '../../config/types.js'
import { hostName } from '../../config/names.js'
import { DeliverError, messageOf } from '../../errors.js'

const where = 'fleet.autoscaling.address'

/** The address that the config wants to connect to. An instance without it is an error: leaving it out would be a host less. */
export function addressOf(instance: FleetInstance, wanted: AutoscalingConfig['address']): string {
  if (typeof wanted === 'function') return asked(instance, wanted)
  const { privateAddress, publicAddress, ipv6Address } = instance
  const address = { private: privateAddress, public: publicAddress, ipv6: ipv6Address }[wanted]
  if (address !== undefined) return address
  const others = [
    ...(privateAddress === undefined ? [] : [`private ${privateAddress}`]),
    ...(publicAddress === undefined ? [] : [`public ${publicAddress}`]),
    ...(ipv6Address === undefined ? [] : [`ipv6 ${ipv6Address}`]),
  ]
  const name = wanted === 'ipv6' ? 'IPv6' : wanted
  const has = others.length === 0 ? 'it has no address at all' : `it has ${others.join(', ')}`
  throw new DeliverError(
    'precondition',
    `${where}: ${instance.id} of ${instance.group} has no ${name} address`,
    {
      fix: `Choose another kind of address (${has}), or give the instance one.`,
    },
  )
}

function asked(instance: FleetInstance, find: (instance: FleetInstance) => unknown): string {
  let found: unknown
  try {
    found = find(instance)
  } catch (cause) {
    throw wrong(instance, `the function failed: ${messageOf(cause)}`, cause)
  }
  if (typeof found !== 'string') throw wrong(instance, `the function gave ${typeof found} instead of a text`)
  const problem = hostName(found)
  if (problem !== undefined) throw wrong(instance, problem)
  return found
}

function wrong(instance: FleetInstance, problem: string, cause?: unknown): DeliverError {
  return new DeliverError('usage', `${where}: for ${instance.id} of ${instance.group}: ${problem}`, {
    fix: 'Repair the function in the config.',
    cause,
  })
}
