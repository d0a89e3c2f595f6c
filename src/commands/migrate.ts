import { systemClock } from '../adapters/clock.js'
import type { Config, MigrateConfig } from '../config/types.js'
import { DeliverError, messageOf } from '../errors.js'
import { migrateHost, type Migrated } from '../execute/migrate.js'
import type { StepContext, StepHost } from '../execute/steps.js'
import { matchingHosts } from '../plan/select.js'
import type { HookValues } from '../config/hooks.js'
import { variablesOf } from '../hooks/variables.js'
import type { ReleaseRecord } from '../release/release.js'
import {
  begunMigrations,
  forgetBegun,
  forgetMigration,
  noteBegun,
  readMigrationRecord,
  writeMigrationRecord,
  type BegunMigration,
  type MigrationRecord,
} from '../store/migrations.js'
import type { CommandContext } from './context.js'
import { thisOwner, type RolloutSession } from './rollout-session.js'

/** What a person says of a migration: run it, whatever was before; or don't, it was done by hand. */
export type MigrationChoice = 'run' | 'skip'

interface ToMigrate {
  readonly record: ReleaseRecord
  readonly previous: string | undefined
  readonly choice: MigrationChoice | undefined
}

type Session = Pick<RolloutSession, 'config' | 'run' | 'store'>

/** A call of a migration that gets lost may be heard that much later, in ms. */
const slack = 60_000

export function checkChoice({ rollout }: Config, choice: MigrationChoice | undefined): void {
  if (choice === undefined || rollout.migrate !== undefined) return
  throw new DeliverError('usage', `--migrate ${choice}: the config has no rollout.migrate`, {
    fix: 'Leave it out.',
  })
}

/**
 * Runs `rollout.migrate` once for a release and environment, on one host, before any host switches. Rejects unless it is done:
 * then nothing switches. That it begins is in the store before: of one that was cut off, its host alone can tell.
 */
export async function migrateOnce(
  context: CommandContext,
  session: Session,
  { record, previous, choice }: ToMigrate,
  steps: StepContext,
): Promise<void> {
  const { config, store } = session
  const { migrate } = config.rollout
  if (migrate === undefined || steps.hosts.every(({ step }) => step.act === 'verify')) return
  const where = { store, app: config.app, environment: config.environment }
  const { release } = record
  const told = {
    release,
    at: new Date(systemClock.now()).toISOString(),
    by: thisOwner(context).owner,
  }
  if (await isSettled(context, where, told, choice)) return
  if (choice === 'run') await forgetMigration(where, release)
  const begun = await begunMigrations(where)
  if (choice !== 'run') {
    const names = new Set(steps.hosts.map(({ host }) => host.name))
    for (const each of begun) if (!names.has(each.host)) refuseBegun(each, release)
  }
  const earlier = begun.find((each) => each.release === release)
  // One of another release that may be under way: the lock of its host keeps ours from running beside it.
  const asked = earlier ?? begun.find((each) => timeLeft(each) > 0)
  const { host } =
    steps.hosts.find((each) => each.host.name === asked?.host) ?? chooseHost(steps.hosts, migrate.host)
  session.run.lost.throwIfAborted()
  await noteBegun(where, { ...told, host: host.name, timeout: migrate.timeout }, earlier)
  const migrated = await migrateOn(context, session, { record, previous, choice }, { steps, host, migrate })

  // What was begun earlier, and may not have been heard of now, stays; and what another run has begun since.
  if (migrated.kind === 'failed' && earlier === undefined && !session.run.lost.aborted)
    await warned(context, `that migrate failed is known on ${host.name}`, () => forgetBegun(where, release))
  if (migrated.kind !== 'done') throw notDone(host.name, migrated)
  if (migrated.already)
    context.reporter.event({ type: 'note', host: host.name, text: `migrate: done already for ${release}` })
  await warned(context, `migrate is done and noted on ${host.name}`, () =>
    writeMigrationRecord(where, { version: 1, ...told, host: host.name }),
  )
}

/** Whether nothing is to be run: it was done, or a person says so. */
async function isSettled(
  { reporter }: CommandContext,
  where: Parameters<typeof readMigrationRecord>[0],
  told: Omit<MigrationRecord, 'version'>,
  choice: MigrationChoice | undefined,
): Promise<boolean> {
  const { release } = told
  if (choice === 'run') return false
  if (choice === 'skip') {
    await writeMigrationRecord(where, { version: 1, ...told })
    reporter.event({ type: 'note', text: `migrate: skipped for ${release}, and noted as done` })
    return true
  }
  const before = await readMigrationRecord(where, release)
  if (before === undefined) return false
  const on = before.host === undefined ? `as ${before.by} said` : `on ${before.host}`
  reporter.event({ type: 'note', text: `migrate: done already for ${release}, ${on} at ${before.at}` })
  return true
}

function notDone(
  host: string,
  { kind, because }: { readonly kind: 'failed' | 'unknown'; readonly because: string },
): DeliverError {
  const fix =
    kind === 'failed'
      ? 'Mend it and deploy again. No host was switched.'
      : `Look into .deliver/migrate.log there, and into the database. No host was switched. ${whatToSay}`
  return new DeliverError('failed', `migrate on ${host}: ${because}`, { fix })
}

const whatToSay =
  'Then deploy with --migrate run, which runs it whatever was before, or with --migrate skip when it was done.'

/** What was begun on a host that is not in this deploy: only the host knows how it ended, and it may be under way. */
function refuseBegun(migration: BegunMigration, wanted: string): void {
  const { release, host, at, by } = migration
  const begun = `a migration to ${release} was begun on ${host} at ${at} by ${by}`
  if (release === wanted)
    throw new DeliverError(
      'failed',
      `${begun}, and how it ended is not known: ${host} is not in this deploy`,
      {
        fix: `Include ${host}: it is asked. Or look into .deliver/migrate.log there, and into the database. No host was switched. ${whatToSay}`,
      },
    )
  const left = timeLeft(migration)
  if (left <= 0) return
  throw new DeliverError('failed', `${begun}, and may be under way: ${host} is not in this deploy`, {
    fix: `Include ${host}, or deploy again in ${Math.ceil(left / 60_000)} min, when its time is up. No host was switched. Or look, and deploy with --migrate run.`,
  })
}

/** For how many ms it may be under way. */
function timeLeft({ timeout, age }: BegunMigration): number {
  return timeout + slack - age
}

async function migrateOn(
  { reporter }: CommandContext,
  { config, run }: Session,
  { record, previous, choice }: ToMigrate,
  {
    steps,
    host,
    migrate,
  }: { readonly steps: StepContext; readonly host: StepHost['host']; readonly migrate: MigrateConfig },
): Promise<Migrated> {
  const { release } = record
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
    again: choice === 'run',
  })
  for (const line of migrated.log.split('\n').filter((each) => each !== ''))
    reporter.event({ type: 'output', host: host.name, stream: 'stderr', line })
  return migrated
}

/** The host knows it too, so a store that is away is no reason to fail, or to fail otherwise. */
async function warned({ reporter }: CommandContext, what: string, note: () => Promise<void>): Promise<void> {
  try {
    await note()
  } catch (error) {
    reporter.event({ type: 'warning', text: `${what}, but not in the store: ${messageOf(error)}` })
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
