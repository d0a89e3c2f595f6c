import type { CheckFacts, Looked } from '../../check/facts.js'
import type { Config } from '../../config/types.js'
import type { Selection } from '../../plan/select.js'
import type { CommandContext } from '../context.js'
import { readSecrets } from '../host-files.js'
import { lookAtFleet, lookAtHosts, type FleetLook } from './look-fleet.js'
import { configFacts, lookAtClone, lookAtTools } from './look-here.js'
import { lookAtStore } from './look-store.js'
import { looked } from './looked.js'

/** Looks at everything, at once where nothing depends on another thing. What can't be seen is among the facts. */
export async function lookAtAll(context: CommandContext, selection: Selection): Promise<CheckFacts> {
  const loaded = await looked(() => context.config())
  const config = loaded.kind === 'seen' ? loaded.value : undefined
  const { signal } = context.interrupt
  const [git, tools, secrets, rest] = await Promise.all([
    lookAtClone(context, config),
    lookAtTools(context.env, signal),
    config && looked(() => readSecrets(context, config)),
    config === undefined ? { hosts: [] } : lookAtWorld(context, config, selection),
  ])
  signal.throwIfAborted()
  return {
    config: loaded.kind === 'seen' ? { kind: 'seen', value: configFacts(loaded.value) } : loaded,
    git,
    tools,
    ...(secrets === undefined ? {} : { secrets }),
    ...rest,
  }
}

async function lookAtWorld(
  context: CommandContext,
  config: Config,
  selection: Selection,
): Promise<Pick<CheckFacts, 'store' | 'lock' | 'begun' | 'pointer' | 'fleet' | 'hosts'>> {
  const [{ record, ...store }, fleet] = await Promise.all([
    lookAtStore(config, context.interrupt.signal),
    config.fleet === undefined ? undefined : lookAtFleet(context, config, selection),
  ])
  const chosen = fleet?.kind === 'seen' ? fleet.value.hosts : []
  // The number of the next deploy.
  const fence = store.lock?.kind === 'seen' ? (store.lock.value?.fence ?? 0) + 1 : undefined
  const hosts = await lookAtHosts(context, config, chosen, { record, fence })
  return { ...store, ...(fleet === undefined ? {} : { fleet: factsOf(fleet) }), hosts }
}

function factsOf(fleet: Looked<FleetLook>): NonNullable<CheckFacts['fleet']> {
  return fleet.kind === 'seen' ? { kind: 'seen', value: fleet.value.facts } : fleet
}
