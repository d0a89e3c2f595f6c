import { messageOf } from '../../errors.js'
import type { CheckFacts } from '../../check/facts.js'
import type { Finding, Repair } from '../../check/finding.js'
import { unfinishedFor } from '../../plan/prune-store.js'
import { limits } from '../../execute/run.js'
import { inParallel } from '../../execute/parallel.js'
import { readSwept } from '../../remote/check-readings.js'
import { sweep } from '../../remote/check-verbs.js'
import { readRelease } from '../../store/releases.js'
import { readPointer } from '../../store/pointer.js'
import type { CommandContext } from '../context.js'
import { keepAlias } from '../keep-alias.js'
import { openRollout, type RolloutSession } from '../rollout-session.js'
import { whyNot } from '../status.js'

export interface RepairOptions {
  readonly hosts?: string | undefined
  readonly limit?: string | undefined
  readonly lockWait?: string | undefined
}

/** What of the findings can be put right here. */
export function repairsOf(findings: readonly Finding[]): ReadonlySet<Repair> {
  return new Set(findings.flatMap(({ repair }) => repair ?? []))
}

/**
 * Puts right what our own runs left, under the lock, so that no deploy is disturbed; rejects with kind `locked` when one is under
 * way. What can't be put right is a warning, and found again by the next look.
 */
export async function repair(
  context: CommandContext,
  options: RepairOptions,
  findings: readonly Finding[],
): Promise<void> {
  const config = await context.config()
  const wanted = repairsOf(findings)
  // Taking the lock ends an expired one, and undoes first of all what its run left, as every deploy does.
  const session = await openRollout(context, config, {
    hosts: options.hosts,
    limit: options.limit,
    lockWait: options.lockWait,
  })
  const steps: readonly (readonly [Repair, () => Promise<void>])[] = [
    ['alias', () => repairAlias(session)],
    ['uploads', () => repairUploads(context, session)],
    ['staging', () => repairStaging(context, session, new Set(hostsOf(findings)))],
  ]
  try {
    for (const [kind, step] of steps) {
      context.interrupt.signal.throwIfAborted()
      if (wanted.has(kind)) await tried(context, step)
    }
  } finally {
    await session.close()
  }
}

/** Whether an openRollout can work with what was found: it needs a fleet, a target and a store. */
export function canRepair({ config }: CheckFacts): boolean {
  if (config.kind === 'failed') return false
  const { sections } = config.value
  return sections.has('store') && sections.has('fleet') && sections.has('target')
}

function hostsOf(findings: readonly Finding[]): readonly string[] {
  return findings.flatMap(({ repair: kind, host }) =>
    kind === 'staging' && host !== undefined ? [host] : [],
  )
}

async function tried(context: CommandContext, step: () => Promise<void>): Promise<void> {
  try {
    await step()
  } catch (error) {
    context.interrupt.signal.throwIfAborted()
    context.reporter.event({ type: 'warning', text: `not repaired: ${messageOf(error)}` })
  }
}

async function repairAlias(session: RolloutSession): Promise<void> {
  const { store, config } = session
  // Read again under the lock: a deploy may have moved it since.
  const pointer = await readPointer(store, config.app, config.environment)
  const record = pointer === undefined ? undefined : await readRelease(store, config.app, pointer.release)
  if (record !== undefined) await keepAlias(session, record)
}

async function repairUploads(context: CommandContext, { store, config }: RolloutSession): Promise<void> {
  for (const key of (await store.abandonUploads?.(`${config.app}/`, unfinishedFor)) ?? [])
    context.reporter.event({ type: 'note', text: `ended the upload of ${key} that nobody goes on with` })
}

async function repairStaging(
  context: CommandContext,
  session: RolloutSession,
  names: ReadonlySet<string>,
): Promise<void> {
  const { run, lease } = session
  const hosts = (await session.hosts()).filter(({ name }) => names.has(name))
  await inParallel(run.turns, hosts, async (host) => {
    lease?.assertHeld()
    const { link, name } = session.link(host)
    const answer = await link.call(sweep({ fence: run.fence }), { timeout: limits.stage, signal: run.lost })
    const reading = readSwept(answer)
    if (reading.kind !== 'ok')
      return context.reporter.event({ type: 'warning', host: name, text: `not repaired: ${whyNot(reading)}` })
    for (const place of reading.value)
      context.reporter.event({ type: 'note', host: name, text: `removed ${place}` })
  })
}
