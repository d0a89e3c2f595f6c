import type { FleetFacts, HostLook, Looked, Trouble } from '../../check/facts.js'
import { systemClock } from '../../adapters/clock.js'
import type { Config } from '../../config/types.js'
import { DeliverError } from '../../errors.js'
import { healthBarred } from '../../execute/health/address.js'
import { healthPort } from '../../execute/health/probe.js'
import { HostLink } from '../../execute/link.js'
import { roomFor } from '../../execute/material.js'
import { inParallel } from '../../execute/parallel.js'
import { chooseHosts, isPartial, type Selection } from '../../plan/select.js'
import type { Fleet, Host } from '../../ports.js'
import type { ReleaseRecord } from '../../release/release.js'
import { check } from '../../remote/check-verbs.js'
import { fencedOut } from '../../remote/fence.js'
import { withLastWords } from '../../remote/last-words.js'
import { readHostCheck, type HostCheck } from '../../remote/check-readings.js'
import type { AgentCall } from '../../remote/wire.js'
import { openFleet, openStore, openTransport } from '../../wire.js'
import type { CommandContext } from '../context.js'
import { tooSmall } from '../fleet-size.js'
import { turnsOf } from '../turns.js'
import { looked, troubleOf } from './looked.js'

export interface FleetLook {
  readonly facts: FleetFacts
  /** Those that were selected. */
  readonly hosts: readonly Host[]
}

/** Rejects with kind `noHosts` when the selection means nobody. */
export function lookAtFleet(
  context: CommandContext,
  config: Config,
  selection: Selection,
): Promise<Looked<FleetLook>> {
  return looked(async () => {
    // What the fleet would warn about are findings here.
    const fleet = await openFleet(config, { event: () => undefined, close: () => Promise.resolve() })
    const { signal } = context.interrupt
    const hosts = await fleet.hosts(signal)
    const facts: FleetFacts = {
      name: fleet.name,
      hosts: hosts.length,
      pending: ((await fleet.pending?.(signal)) ?? []).length,
      leftOut: (await fleet.leftOut?.(signal)) ?? [],
      ...(await desiredOf(fleet, signal)),
      ...(isPartial(selection) ? {} : await tooSmallOf(config, fleet, hosts, signal)),
    }
    return { facts, hosts: hosts.length === 0 ? [] : chooseHosts(hosts, selection) }
  })
}

async function desiredOf(fleet: Fleet, signal: AbortSignal): Promise<{ readonly desired?: number }> {
  return fleet.desired === undefined ? {} : { desired: await fleet.desired(signal) }
}

/** A store that can't be read is told with the store. */
async function tooSmallOf(
  config: Config,
  fleet: Fleet,
  hosts: readonly Host[],
  signal: AbortSignal,
): Promise<{ readonly tooSmall?: Trouble }> {
  if (config.store === undefined) return {}
  const seen = await looked(async () => {
    const problem = await tooSmall({ fleet, store: await openStore(config), config, hosts, signal })
    return problem === undefined ? undefined : troubleOf(problem)
  })
  return seen.kind === 'seen' && seen.value !== undefined ? { tooSmall: seen.value } : {}
}

/** Milliseconds: a whole tree is looked through, over a slow disk. */
const lookLimit = 180_000

/** Every host at once, as many as the config allows, each over one connection. Nothing is left on them. */
export async function lookAtHosts(
  context: CommandContext,
  config: Config,
  hosts: readonly Host[],
  { record, fence }: { readonly record: ReleaseRecord | undefined; readonly fence: number | undefined },
): Promise<readonly HostLook[]> {
  const { target } = config
  if (target === undefined || hosts.length === 0) return []
  const port = healthPort(config.health)
  const call = check({
    shared: target.shared,
    ...(record === undefined ? {} : roomFor(record)),
    ...(config.service === undefined ? {} : { service: config.service }),
    ...(port === undefined ? {} : { port }),
  })
  const transport = await openTransport(config, context.env, context.reporter)
  try {
    return await inParallel(turnsOf(config), hosts, async (host) => {
      const link = new HostLink({ host, transport, path: target.path })
      try {
        const { signal } = context.interrupt
        const seen = await lookAtHost(link, call, signal)
        if (seen.looked.kind === 'failed') return seen
        const barred = await healthBarred(link, config.health, signal)
        const fenced = fence === undefined ? undefined : fencedOut(seen.looked.value, fence)
        return { ...seen, refusals: [barred, fenced].filter((each) => each !== undefined) }
      } finally {
        await link.close()
      }
    })
  } finally {
    await transport.close()
  }
}

async function lookAtHost(link: HostLink, call: AgentCall, signal: AbortSignal): Promise<HostLook> {
  const { name, instance } = link.host
  let asked = systemClock.now()
  const seen = await looked(async (): Promise<HostCheck> => {
    await link.session(signal)
    asked = systemClock.now()
    const reading = readHostCheck(await link.call(call, { timeout: lookLimit, signal }))
    signal.throwIfAborted()
    if (reading.kind === 'ok') return reading.value
    if (reading.kind === 'refused')
      throw new DeliverError('precondition', reading.text, {
        fix: 'Put it right on the host; deliver ssh HOST opens a session.',
      })
    throw new DeliverError('failed', `no answer that makes sense: ${withLastWords(reading)}`, {
      fix: 'Log in by hand with ssh and run `sh -c true`: a login shell that prints, asks or ends stands in the way.',
    })
  })
  return {
    host: name,
    looked: seen,
    asked,
    answered: systemClock.now(),
    ...(instance === undefined ? {} : { instance }),
  }
}
