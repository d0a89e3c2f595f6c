import type { Config } from '../config/types.js'
import { DeliverError, exitCodes } from '../errors.js'
import { isPartial } from '../plan/select.js'
import type { Fleet, Host, Store } from '../ports.js'
import { readHistory } from '../store/history.js'
import type { CommandContext } from './context.js'
import type { Conducted, Intent } from './rollout-command.js'
import type { RolloutOptions } from './rollout-options.js'
import type { RolloutSession } from './rollout-session.js'

/** Below that share of what there ought to be, a fleet is taken for a mistake or an outage, and not for the fleet. */
const enough = 0.5

export interface FleetNow {
  readonly session: RolloutSession
  readonly hosts: readonly Host[]
  readonly signal: AbortSignal
}

/** Refuses a fleet that is far smaller than it should be: a deploy to what is left of it would look like a success. */
export async function checkFleetSize(
  options: RolloutOptions,
  { session, hosts, signal }: FleetNow,
): Promise<void> {
  const { fleet, store, config } = session
  if (options.expect !== undefined) return expectAtLeast(options.expect, hosts.length)
  if (isPartial(options)) return
  const problem = await tooSmall({ fleet, store, config, hosts, signal })
  if (problem !== undefined) throw problem
}

/** What a deploy to all of these hosts would be refused for; undefined: nothing. */
export async function tooSmall(now: {
  readonly fleet: Fleet
  readonly store: Store
  readonly config: Pick<Config, 'app' | 'environment'>
  readonly hosts: readonly Host[]
  readonly signal: AbortSignal
}): Promise<DeliverError | undefined> {
  const { fleet, store, hosts, signal } = now
  if (fleet.desired === undefined || hosts.length === 0) return undefined
  const desired = await fleet.desired(signal)
  if (hosts.length < desired * enough) return tooFew(fleet, hosts.length, `${desired} are desired`)
  const { app, environment } = now.config
  const { entries } = await readHistory(store, { app, environment, limit: 1 })
  const before = entries[0]?.hosts.filter(({ outcome }) => outcome !== 'gone').length ?? 0
  return hosts.length < before * enough
    ? tooFew(fleet, hosts.length, `the last deploy had ${before}`)
    : undefined
}

/** A fleet without hosts: an error, unless the caller says that it is the first deploy of a group that is still to start. */
export async function deployToNobody(
  context: CommandContext,
  { fleet }: RolloutSession,
  options: RolloutOptions,
  intent: Intent,
): Promise<Conducted> {
  if (options.allowEmpty !== true || fleet.desired === undefined)
    throw new DeliverError('noHosts', `the fleet is empty: ${fleet.name}`, {
      fix: `Check fleet in the config. Nothing was deployed.${fleet.desired === undefined ? '' : ' The first deploy of a new group: --allow-empty.'}`,
    })
  const plan = await intent.plan([])
  const told = (text: string): Conducted => ({
    outcomes: [],
    reached: [],
    result: { code: exitCodes.done, text, data: { release: plan.release, outcomes: [] } },
  })
  if (options.dryRun === true) return told(`dry run: ${fleet.name} is empty; only the pointer would move`)
  await intent.finish?.(plan)
  const text = `${plan.release}: no host runs it yet, so its health was not checked; servers that boot get it`
  context.reporter.event({
    type: 'warning',
    text: `${fleet.name} is empty: nothing was sent and no health checked`,
  })
  return told(text)
}

function expectAtLeast(text: string, there: number): void {
  if (!/^\d{1,6}$/.test(text))
    throw new DeliverError('usage', `--expect: ${JSON.stringify(text)} is no number of hosts`, {
      fix: 'Write e.g. 3.',
    })
  if (there >= Number(text)) return
  throw new DeliverError('precondition', `the fleet has ${there} host(s), and --expect says ${text}`, {
    fix: 'Nothing was changed. Wait until they are in service, or expect fewer.',
  })
}

function tooFew(fleet: Fleet, there: number, instead: string): DeliverError {
  return new DeliverError(
    'precondition',
    `${fleet.name}: only ${there} host(s) in service, while ${instead}`,
    {
      fix: `Nothing was changed. Look at what happened to the others; if it is meant so: --expect ${there}.`,
    },
  )
}
