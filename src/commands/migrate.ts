import { systemClock } from '../adapters/clock.js'
import { DeliverError, messageOf } from '../errors.js'
import { migrateHost } from '../execute/migrate.js'
import type { StepContext, StepHost } from '../execute/steps.js'
import { matchingHosts } from '../plan/select.js'
import type { HookValues } from '../config/hooks.js'
import { variablesOf } from '../hooks/variables.js'
import type { ReleaseRecord } from '../release/release.js'
import { readMigrationRecord, writeMigrationRecord } from '../store/migrations.js'
import type { CommandContext } from './context.js'
import { thisOwner, type RolloutSession } from './rollout-session.js'

/**
 * Runs `rollout.migrate` once for a release and environment, on one host, before any host switches. Rejects unless it is done:
 * then nothing switches.
 */
export async function migrateOnce(
  context: CommandContext,
  session: Pick<RolloutSession, 'config' | 'run' | 'store'>,
  { record, previous }: { readonly record: ReleaseRecord; readonly previous: string | undefined },
  steps: StepContext,
): Promise<void> {
  const { config, run, store } = session
  const { migrate } = config.rollout
  if (migrate === undefined || steps.hosts.every(({ step }) => step.act === 'verify')) return
  const where = { store, app: config.app, environment: config.environment }
  const { release } = record
  const { reporter } = context
  const before = await readMigrationRecord(where, release)
  if (before !== undefined) {
    const text = `migrate: done already for ${release}, on ${before.host} at ${before.at}`
    reporter.event({ type: 'note', text })
    return
  }
  const { host } = chooseHost(steps.hosts, migrate.host)
  const values: HookValues = {
    point: 'beforeRollout',
    app: config.app,
    environment: config.environment,
    command: 'deploy',
    release,
    ...(previous === undefined ? {} : { previous }),
    commit: record.source.commit,
    hosts: steps.hosts.map((each) => each.host.name),
    host: host.name,
  }
  reporter.event({ type: 'note', host: host.name, text: `migrate to ${release}` })
  const notOfAHook = Object.entries(variablesOf(values)).filter(([name]) => name !== 'DELIVER_HOOK')
  const migrated = await migrateHost(run, host, {
    release,
    digest: record.manifest.digest,
    command: migrate.run,
    timeout: migrate.timeout,
    env: Object.fromEntries(notOfAHook),
  })
  for (const line of migrated.log.split('\n').filter((each) => each !== ''))
    reporter.event({ type: 'output', host: host.name, stream: 'stderr', line })
  if (migrated.kind === 'unknown')
    throw new DeliverError('failed', `migrate on ${host.name}: ${migrated.because}`, {
      fix: 'Look into .deliver/migrate.log and the database, before you deploy again: that runs it again, unless the host has noted that it was done.',
    })
  if (migrated.kind === 'failed')
    throw new DeliverError('failed', `migrate on ${host.name}: ${migrated.because}`, {
      fix: 'Mend it and deploy again. No host was switched.',
    })
  const done = { version: 1, release, host: host.name, by: thisOwner(context).owner } as const
  try {
    await writeMigrationRecord(where, { ...done, at: new Date(systemClock.now()).toISOString() })
  } catch (error) {
    const text = `migrate is done and noted on ${host.name}, but not in the store: ${messageOf(error)}`
    reporter.event({ type: 'warning', text })
  }
}

/** The first that the config's pattern matches; without one, the first of the deploy. */
function chooseHost(hosts: readonly StepHost[], pattern: string | undefined): StepHost {
  const known = hosts.map(({ host }) => host.link.host)
  const wanted = pattern === undefined ? known : matchingHosts(known, [pattern])
  const chosen = hosts.find(({ host }) => host.link.host === wanted[0])
  if (chosen !== undefined) return chosen
  const names = known.map(({ name }) => name).join(', ')
  throw new DeliverError(
    'failed',
    `rollout.migrate.host: ${JSON.stringify(pattern)} matches none of ${names}`,
    {
      fix: 'Include such a host in the deploy, or correct the pattern. No host was switched.',
    },
  )
}
