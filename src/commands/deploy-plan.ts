import { randomBytes } from 'node:crypto'
import { systemClock } from '../adapters/clock.js'
import { DeliverError } from '../errors.js'
import { batchesToSave, plannedHost, whatChanged, type SavedPlan } from '../plan/saved-plan.js'
import type { Host } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import type { Pointer } from '../store/pointer.js'
import { settingsOf } from './config-settings.js'
import type { CommandContext } from './context.js'
import type { DeployOptions } from './deploy.js'
import type { Looked } from './dry-run.js'
import { readPlanFile, writePlanFile } from './plan-file.js'
import { rolloutFlags } from './rollout-options.js'
import type { RolloutSession } from './rollout-session.js'

/** A deploy as it was asked for, with what the plan says that it was given. */
export interface Asked {
  readonly options: DeployOptions
  /** Values for config paths. */
  readonly flags: Readonly<Record<string, string>>
  readonly saved: SavedPlan | undefined
}

/** Takes what `--plan FILE` says for what the command line would say, and refuses to have both. */
export async function askedFor(context: CommandContext, options: DeployOptions): Promise<Asked> {
  const flags = rolloutFlags(options)
  if (options.out !== undefined && options.dryRun !== true)
    throw new DeliverError('usage', '--out writes the plan of a dry run', { fix: 'Add --dry-run.' })
  if (options.plan === undefined) return { options, flags, saved: undefined }
  const saved = await readPlanFile(context.cwd, options.plan)
  const { hosts, limit, onlyOutdated } = options
  const more =
    [hosts, limit, ...Object.values(flags)].some((value) => value !== undefined) || onlyOutdated === true
  if (more || (options.release !== undefined && options.release !== saved.release))
    throw new DeliverError('usage', `--plan ${options.plan}: the plan says what is deployed, where and how`, {
      fix: `Leave out the other options and the release, or make a new plan with them. This one is for ${saved.release}.`,
    })
  return {
    options: { ...options, ...saved.options, release: saved.release },
    flags: Object.fromEntries(saved.options.flags.map(({ path, value }) => [path, value])),
    saved,
  }
}

export interface PlanBasis {
  readonly asked: Asked
  readonly session: RolloutSession
  readonly record: ReleaseRecord
  readonly pointer: Pointer | undefined
}

/** The hosts of the run; that one of the plan's can't be found any more is a change like any other. */
export async function hostsToPlan(
  { saved, options }: Asked,
  session: RolloutSession,
): Promise<readonly Host[]> {
  try {
    return await session.hosts()
  } catch (error) {
    if (saved === undefined || !(error instanceof DeliverError) || error.kind !== 'noHosts') throw error
    throw refusal(options.plan ?? '', [error.message])
  }
}

/** Once the fleet was read: throws when it isn't what the saved plan was made for, and saves the plan where that was asked. */
export async function checkAndSave(
  context: CommandContext,
  basis: PlanBasis,
  looked: Looked & { readonly hosts: readonly Host[] },
): Promise<void> {
  const { saved, options } = basis.asked
  if (saved === undefined && options.out === undefined) return
  const now = planNow(basis, looked, saved?.salt ?? randomBytes(16).toString('hex'))
  const changed = saved === undefined ? [] : whatChanged(saved, now)
  if (changed.length > 0) throw refusal(options.plan ?? '', changed)
  if (options.out !== undefined) await writePlanFile(context.cwd, options.out, now)
}

function planNow(
  { asked, session, record, pointer }: PlanBasis,
  { plan, ready, hosts }: Looked & { readonly hosts: readonly Host[] },
  salt: string,
): SavedPlan {
  const { options, flags } = asked
  const views = new Map(ready.map(({ host, view }) => [host.name, view]))
  return {
    version: 1,
    madeAt: new Date(systemClock.now()).toISOString(),
    app: session.config.app,
    environment: session.config.environment,
    release: record.release,
    digest: record.manifest.digest,
    options: {
      ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      onlyOutdated: options.onlyOutdated === true,
      flags: Object.entries(flags).map(([path, value]) => ({ path, value })),
    },
    ...(pointer === undefined
      ? {}
      : { pointer: { release: pointer.release, generation: pointer.generation } }),
    // A host that could not be read is in no plan, so that it shows as gone.
    hosts: hosts.flatMap((host) => {
      const view = views.get(host.name)
      return view === undefined ? [] : [plannedHost(host, view, record.release)]
    }),
    batches: batchesToSave(plan),
    config: settingsOf(session.config, salt),
    salt,
  }
}

const mostShown = 20

function refusal(file: string, changed: readonly string[]): DeliverError {
  const shown = changed.slice(0, mostShown).join('; ')
  const more = changed.length > mostShown ? `; and ${changed.length - mostShown} more` : ''
  return new DeliverError(
    'precondition',
    `${file}: the world has changed since the plan was made: ${shown}${more}`,
    {
      fix: 'Nothing was deployed. Look at a new plan: deliver deploy --dry-run --out FILE.',
    },
  )
}
