import { DeliverError } from '../errors.js'
import { HostLink } from '../execute/link.js'
import { inParallel } from '../execute/parallel.js'
import type { Config } from '../config/types.js'
import { chooseHosts, type Selection } from '../plan/select.js'
import { missing, openFleet, openTransport } from '../wire.js'
import type { CommandContext } from './context.js'
import { turnsOf } from './turns.js'

type Parallel = <T>(links: readonly HostLink[], work: (link: HostLink) => Promise<T>) => Promise<readonly T[]>

/** Opens a connection to each chosen host for as long as the work takes. They are made when first used. */
export async function withHosts<T>(
  context: CommandContext,
  config: Config,
  selection: Selection,
  work: (links: readonly HostLink[], parallel: Parallel) => Promise<T>,
): Promise<T> {
  const { target } = config
  if (target === undefined) throw missing('target', "target: { path: '/srv/api' }")
  const fleet = await openFleet(config, context.reporter)
  const hosts = chooseHosts(await fleet.hosts(context.interrupt.signal), selection)
  if (hosts.length === 0)
    throw new DeliverError('noHosts', `the fleet is empty: ${fleet.name}`, {
      fix: 'Check fleet in the config.',
    })
  const transport = await openTransport(config, context.env, context.reporter)
  const { redact } = context.secrets.redactor
  const links = hosts.map((host) => new HostLink({ host, transport, path: target.path, redact }))
  try {
    return await work(links, (some, each) => inParallel(turnsOf(config), some, each))
  } finally {
    await Promise.all(links.map((link) => link.close()))
    await transport.close()
  }
}

/** Asks each chosen host something, over one connection each, and gives the answers in the fleet's order. */
export async function askHosts<T>(
  context: CommandContext,
  config: Config,
  selection: Selection,
  ask: (link: HostLink) => Promise<T>,
): Promise<readonly T[]> {
  return withHosts(context, config, selection, (links, parallel) =>
    parallel(links, async (link) => {
      try {
        return await ask(link)
      } finally {
        await link.close()
      }
    }),
  )
}
