import { systemClock } from '../adapters/clock.js'
import type { Config } from '../config/types.js'
import { DeliverError, messageOf } from '../errors.js'
import { chooseRollback, planRollback } from '../plan/rollback.js'
import { isPartial } from '../plan/select.js'
import { checkRollback } from '../plan/compatibility.js'
import type { HostView, RolloutPlan } from '../plan/types.js'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { readPointer } from '../store/pointer.js'
import { readRelease } from '../store/releases.js'
import { tellHistory } from './after-rollout.js'
import { withHooks } from './rollout-hooks.js'
import { keepAlias } from './keep-alias.js'
import { pointTo } from './point-to.js'
import type { CommandContext, CommandResult } from './context.js'
import { compatibilityOf } from './compatibility.js'
import { checkSigned } from './signing.js'
import { conductRollout } from './rollout-command.js'
import { rolloutFlags, type RolloutOptions } from './rollout-options.js'
import { openRollout } from './rollout-session.js'
import { withoutSettled } from './without-settled.js'
import { withNotices, type Told } from './with-notices.js'

export interface RollbackOptions extends RolloutOptions {
  readonly release?: string | undefined
  /** Go back even to a release that a mark calls too old. */
  readonly force?: boolean | undefined
}

/** `deliver rollback`: brings the last good release, or the one named, back to every host and to the pointer. */
export async function rollback(
  context: CommandContext,
  options: RollbackOptions = {},
): Promise<CommandResult> {
  const config = await context.config(rolloutFlags(options))
  return withNotices(context, config, { command: 'rollback', dryRun: options.dryRun }, (told) =>
    rollbackTold(context, config, options, told),
  )
}

async function rollbackTold(
  context: CommandContext,
  config: Config,
  options: RollbackOptions,
  told: Told,
): Promise<CommandResult> {
  const started = systemClock.now()
  const session = await openRollout(context, config, options)
  try {
    const { store } = session
    const pointer = await readPointer(store, config.app, config.environment)
    told.begin({ release: options.release, previous: pointer?.release })
    const records = new Map<string, ReleaseRecord>()
    let planned: RolloutPlan | undefined
    const hooked = withHooks(context, session, { previous: pointer?.release, records })
    const conducted = await conductRollout(context, hooked, options, {
      title: options.release ?? 'rollback',
      unfit: 'go-on',
      plan: async (views) => {
        const unsettled = options.release === undefined ? await withoutSettled(store, config, views) : views
        const choices = chooseRollback(unsettled, options.release, pointer?.release)
        if (options.force !== true) await mayGoBack(store, config.app, choices, views)
        for (const name of releasesNeeded(choices, views)) {
          const record = await readRelease(store, config.app, name)
          if (record === undefined) continue
          await checkSigned(context, config, store, record)
          records.set(name, record)
        }
        const digests = new Map([...records].map(([name, record]) => [name, record.manifest.digest]))
        planned = planRollback(choices, views, digests, config.rollout)
        return planned
      },
      record: (release) => records.get(release),
      begin: async (plan) => {
        await mayGoAhead(context, options, plan)
        // First the pointer: servers that boot from now on must not come up with the release that is being left.
        if (isPartial(options)) return
        const record = records.get(plan.release) ?? (await readRelease(store, config.app, plan.release))
        if (record === undefined) {
          const text = `the pointer stays on ${pointer?.release ?? 'nothing'}: the store no longer has ${plan.release}`
          context.reporter.event({ type: 'warning', text })
          return
        }
        await checkSigned(context, config, store, record)
        records.set(plan.release, record)
        await pointTo(context, session, record, pointer)
        // No host waits for this: what fails now is tried again at the end.
        await keepAlias(session, record).catch((error: unknown) => {
          context.reporter.event({ type: 'warning', text: messageOf(error) })
        })
      },
      finish: async (plan) => {
        const record = records.get(plan.release)
        if (record !== undefined && !isPartial(options)) await keepAlias(session, record)
      },
    })
    told.learn({ release: planned?.release, outcomes: conducted.outcomes })
    if (options.dryRun !== true)
      await tellHistory(context, session, {
        command: 'rollback',
        release: planned?.release ?? options.release ?? 'none',
        previous: pointer?.release,
        started,
        ...conducted,
      })
    return conducted.result
  } finally {
    await session.close()
  }
}

/** Releases of which the store may be asked: what hosts go to, and what one stays on that has lost its copy's manifest. */
function releasesNeeded(
  choices: ReturnType<typeof chooseRollback>,
  views: readonly HostView[],
): ReadonlySet<string> {
  const names = views.flatMap(({ host, staged }) => {
    const choice = choices.get(host)
    return choice === undefined || (choice.kind === 'stay' && staged.has(choice.release))
      ? []
      : [choice.release]
  })
  return new Set(names)
}

/** Of every release that hosts run, or ran since they ran the one that they go to. */
async function mayGoBack(
  store: Store,
  app: string,
  choices: ReturnType<typeof chooseRollback>,
  views: readonly HostView[],
): Promise<void> {
  const names = new Set(views.flatMap(({ current, good }) => (current === null ? good : [...good, current])))
  const records: ReleaseRecord[] = []
  for (const name of names) {
    const record = await readRelease(store, app, name)
    if (record !== undefined) records.push(record)
  }
  const { compatibility } = await compatibilityOf(store, app, records)
  if (compatibility !== undefined) checkRollback(choices, views, compatibility)
}

/** On a terminal a person says yes; a job that runs the command has said so by running it. */
async function mayGoAhead(
  context: CommandContext,
  options: RollbackOptions,
  plan: RolloutPlan,
): Promise<void> {
  const back = plan.steps.filter((step) => step.act === 'activate').length
  if (options.yes === true || context.ask === undefined || back === 0) return
  if (await context.ask(`Roll ${back} host(s) back to ${plan.release}?`)) return
  throw new DeliverError('failed', 'rollback: declined; nothing was changed', {
    fix: 'To go back all the same, answer y or give --yes.',
    declined: true,
  })
}
