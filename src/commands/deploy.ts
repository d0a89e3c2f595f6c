import { systemClock } from '../adapters/clock.js'
import { DeliverError } from '../errors.js'
import { roomFor } from '../execute/material.js'
import { planDeploy } from '../plan/deploy.js'
import { isPartial } from '../plan/select.js'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { readPointer } from '../store/pointer.js'
import { newestRelease, readRelease } from '../store/releases.js'
import { pruneHosts, tellHistory } from './after-rollout.js'
import { withHooks } from './rollout-hooks.js'
import { keepAlias } from './keep-alias.js'
import { pointTo } from './point-to.js'
import { askedFor, checkAndSave, hostsToPlan, type Asked } from './deploy-plan.js'
import type { CommandContext, CommandResult } from './context.js'
import { pruneStoreAfter } from './prune-store.js'
import { confirmRelease, foretellQuestion } from './confirm-release.js'
import { checkChoice, migrateOnce, type MigrationChoice } from './migrate.js'
import { compatibilityOf } from './compatibility.js'
import { checkSigned } from './signing.js'
import { conductRollout } from './rollout-command.js'
import type { RolloutOptions } from './rollout-options.js'
import { openRollout } from './rollout-session.js'
import { unknownRelease } from './unknown-release.js'
import { withNotices, type Told } from './with-notices.js'

export interface DeployOptions extends RolloutOptions {
  readonly release?: string | undefined
  /** The file of a plan that a dry run saved: it is run, or refused when the world has changed. */
  readonly plan?: string | undefined
  /** The file that a dry run saves its plan in. */
  readonly out?: string | undefined
  readonly migrate?: MigrationChoice | undefined
}

/** `deliver deploy`: rolls a published release out to the fleet, then moves the pointer. */
export async function deploy(context: CommandContext, given: DeployOptions = {}): Promise<CommandResult> {
  const asked = await askedFor(context, given)
  const config = await context.config(asked.flags)
  const { dryRun } = asked.options
  return withNotices(context, config, { command: 'deploy', dryRun }, (told) =>
    deployTold(context, asked, told),
  )
}

/** The same as a part of a command that tells of itself. */
export async function deployTold(context: CommandContext, asked: Asked, told: Told): Promise<CommandResult> {
  const { options } = asked
  const config = await context.config(asked.flags)
  const choice = options.migrate
  checkChoice(config, choice)
  const started = systemClock.now()
  const opened = await openRollout(context, config, options)
  const session = { ...opened, hosts: () => hostsToPlan(asked, opened) }
  try {
    const { store } = session
    const record = await chooseRelease(store, config.app, options.release ?? context.env.TAG)
    const pointer = await readPointer(store, config.app, config.environment)
    told.begin({ release: record.release, previous: pointer?.release })
    await checkSigned(context, config, store, record)
    if (config.health === undefined && config.service !== undefined)
      context.reporter.event({
        type: 'warning',
        text: 'health unverified: the config has no health check, so only the process is watched',
      })
    const hooked = withHooks(context, session, {
      previous: pointer?.release,
      records: new Map([[record.release, record]]),
      migrate: (steps) =>
        migrateOnce(context, session, { record, previous: pointer?.release, choice }, steps),
    })
    const target = {
      release: record.release,
      digest: record.manifest.digest,
      ...(await compatibilityOf(store, config.app, [record])),
    }
    const yes = options.yes === true
    const gate = { config, store, record, pointer: pointer?.release, yes }
    const conducted = await conductRollout(context, hooked, options, {
      title: record.release,
      unfit: 'refuse',
      room: roomFor(record),
      target,
      plan: async (views) => {
        const onlyOutdated = options.onlyOutdated === true
        const plan = planDeploy(target, views, config.rollout, { onlyOutdated })
        if (options.dryRun === true) await foretellQuestion(context, plan, gate)
        return plan
      },
      planned: (looked) => checkAndSave(context, { asked, session, record, pointer }, looked),
      record: (release) => (release === record.release ? record : undefined),
      begin: async (plan) => {
        // A secret that is missing is no reason to touch a host.
        await session.run.files?.()
        await confirmRelease(context, plan, gate)
      },
      finish: async () => {
        if (isPartial(options)) {
          const text = `the pointer stays on ${pointer?.release ?? 'nothing'}: only chosen hosts were deployed to`
          context.reporter.event({ type: 'note', text })
          return
        }
        await pointTo(context, session, record, pointer)
        await keepAlias(session, record)
      },
    })
    told.learn({ outcomes: conducted.outcomes })
    if (options.dryRun === true) return conducted.result
    if (conducted.result.code === 0) {
      const protect = [record.release, ...(pointer === undefined ? [] : [pointer.release])]
      await pruneHosts(session, conducted.reached, { protect, running: record })
    }
    await tellHistory(context, session, {
      command: 'deploy',
      release: record.release,
      previous: pointer?.release,
      started,
      ...conducted,
    })
    if (conducted.result.code === 0) await pruneStoreAfter(context, session)
    return conducted.result
  } finally {
    await session.close()
  }
}

/** The release that was asked for, else the newest published. */
async function chooseRelease(store: Store, app: string, named: string | undefined): Promise<ReleaseRecord> {
  const release = named === undefined || named === '' ? await newestRelease(store, app) : named
  if (release === undefined)
    throw new DeliverError('precondition', `${store.name} has no release of ${app}`, {
      fix: 'Publish one: deliver ship, or deliver setup, commit-deps, archive and publish.',
    })
  const record = await readRelease(store, app, release)
  if (record !== undefined) return record
  throw await unknownRelease(store, app, release)
}
