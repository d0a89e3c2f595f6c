import { randomBytes } from 'node:crypto'
import { systemClock } from '../adapters/clock.js'
import { isDeadProcess, thisMachine } from '../adapters/machine.js'
import { parseDuration } from '../config/values.js'
import type { Config, TargetConfig } from '../config/types.js'
import { DeliverError, messageOf } from '../errors.js'
import type { RunHost, Run } from '../execute/run.js'
import { HostLink } from '../execute/link.js'
import { noSteps } from '../execute/steps.js'
import type { Drainage } from '../execute/traffic.js'
import type { Fleet, Host, Store, Transport } from '../ports.js'
import { chooseHosts } from '../plan/select.js'
import type { Lease } from '../store/lease.js'
import { ownerFrom, type LeaseOwner } from '../store/owner.js'
import { acquireLease } from '../store/lock.js'
import { missing, openFleet, openStore, openTransport } from '../wire.js'
import { hostFiles } from './host-files.js'
import { openDrainage } from './changes.js'
import type { CommandContext } from './context.js'
import { withHealthSecrets } from './secrets.js'
import type { RolloutOptions } from './rollout-options.js'
import { turnsOf } from './turns.js'

/** What a rollout holds while it runs. `close` gives all of it back, whatever happened. */
export interface RolloutSession {
  readonly config: Config
  readonly target: TargetConfig
  readonly store: Store
  readonly fleet: Fleet
  /** Undefined for a dry run: looking needs no lock. */
  readonly lease: Lease | undefined
  readonly run: Run
  /** Undefined: hosts stay in traffic while they are switched. */
  readonly drainage: Drainage | undefined
  /** The hosts that the caller selected, as the fleet is now. */
  hosts(): Promise<readonly Host[]>
  link(host: Host): RunHost
  close(): Promise<void>
}

const never = new AbortController().signal

/** Takes the lock, before anything that costs time, and opens what a rollout works with. */
export async function openRollout(
  context: CommandContext,
  config: Config,
  options: RolloutOptions,
): Promise<RolloutSession> {
  const { target } = config
  if (target === undefined) throw missing('target', "target: { path: '/srv/api' }")
  const readable = await withHealthSecrets(context, config)
  const fleet = await openFleet(config, context.reporter)
  const store = await openStore(config)
  const lease = options.dryRun === true ? undefined : await takeLease(context, config, store, options)
  let transport: Transport
  let drainage: Drainage | undefined
  try {
    drainage = await openDrainage(context.reporter, fleet, lease, context.interrupt.signal)
    transport = await openTransport(config, context.env, context.reporter)
  } catch (error) {
    if (lease !== undefined) await releaseLease(context, lease)
    throw error
  }
  const links: HostLink[] = []
  const run: Run = {
    id: randomBytes(8).toString('hex'),
    fence: lease?.fence ?? 0,
    config: readable,
    files: hostFiles(context, config),
    target,
    clock: systemClock,
    reporter: context.reporter,
    stop: context.interrupt.signal,
    lost: lease?.signal ?? never,
    steps: noSteps,
    turns: turnsOf(config),
  }
  return {
    config,
    target,
    store,
    fleet,
    lease,
    run,
    drainage,
    hosts: async () => chooseHosts(await fleet.hosts(context.interrupt.signal), options),
    link: (host) => {
      const link = new HostLink({
        host,
        transport,
        path: target.path,
        redact: context.secrets.redactor.redact,
      })
      links.push(link)
      return { name: host.name, link }
    },
    close: async () => {
      await Promise.all(links.map((link) => link.close()))
      await transport.close()
      if (lease !== undefined) await releaseLease(context, lease)
    },
  }
}

/** Who runs this, as the lock, the pointer and the history name them. */
export function thisOwner(context: CommandContext): LeaseOwner {
  return ownerFrom(context.env, thisMachine())
}

/** A lock that can't be freed expires by itself, so that is no reason to call the deploy failed. */
async function releaseLease(context: CommandContext, lease: Lease): Promise<void> {
  await lease.release().catch((error: unknown) => {
    context.reporter.event({ type: 'warning', text: messageOf(error) })
  })
}

async function takeLease(
  context: CommandContext,
  config: Config,
  store: Store,
  options: RolloutOptions,
): Promise<Lease> {
  const wait = options.lockWait === undefined ? 0 : parseLockWait(options.lockWait)
  const lease = await acquireLease({
    store,
    clock: systemClock,
    app: config.app,
    environment: config.environment,
    owner: thisOwner(context),
    wait,
    isDead: isDeadProcess,
    signal: context.interrupt.signal,
    onWaiting: (holder) =>
      context.reporter.event({
        type: 'note',
        text: `waiting for the lock of ${holder.owner}${holder.job === undefined ? '' : ` (${holder.job})`}`,
      }),
  })
  if (lease.tookOver !== undefined)
    context.reporter.event({
      type: 'warning',
      text: `an earlier run of ${lease.tookOver.owner} never ended; this one takes its lock over`,
    })
  return lease
}

function parseLockWait(text: string): number {
  const parsed = parseDuration(text)
  if (parsed.ok) return parsed.value
  throw new DeliverError('usage', `--lock-wait: ${parsed.problem}`, { fix: 'E.g. --lock-wait 15m.' })
}
