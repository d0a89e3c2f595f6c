import { DeliverError } from '../errors.js'
import { HostLink } from '../execute/link.js'
import { inParallel } from '../execute/parallel.js'
import type { Config } from '../config/types.js'
import { chooseHosts, type Selection } from '../plan/select.js'
import { missing, openFleet, openTransport } from '../wire.js'
import type { CommandContext } from './context.js'

/** Asks each chosen host something that changes nothing, over one connection each, and gives the answers in the fleet's order. */
export async function askHosts<T>(
  context: CommandContext,
  config: Config,
  selection: Selection,
  ask: (link: HostLink) => Promise<T>,
): Promise<readonly T[]> {
  const { target } = config
  if (target === undefined) throw missing('target', "target: { path: '/srv/api' }")
  const fleet = await openFleet(config, context.reporter)
  const hosts = chooseHosts(await fleet.hosts(context.interrupt.signal), selection)
  if (hosts.length === 0) throw new DeliverError('noHosts', `the fleet is empty: ${fleet.name}`)
  const transport = await openTransport(config, context.env, context.reporter)
  try {
    return await inParallel(config.ssh.concurrency, hosts, async (host) => {
      const link = new HostLink({
        host,
        transport,
        path: target.path,
        redact: context.secrets.redactor.redact,
      })
      try {
        return await ask(link)
      } finally {
        await link.close()
      }
    })
  } finally {
    await transport.close()
  }
}
