import { DeliverError, messageOf } from '../errors.js'
import { askNeeds } from '../execute/ask-needs.js'
import { inParallel } from '../execute/parallel.js'
import { planStorePrune, unfinishedFor, type StorePrunePlan } from '../plan/prune-store.js'
import { readContents } from '../store/contents.js'
import { lockKey, releaseRecordKey } from '../store/layout.js'
import { readHolder } from '../store/lock.js'
import type { CommandContext } from './context.js'
import type { RolloutSession } from './rollout-session.js'

/** What the store of this session may forget, and the files of it. */
export interface StorePrune extends StorePrunePlan {
  readonly files: ReadonlyMap<string, readonly string[]>
}

export async function decideStorePrune(
  context: CommandContext,
  session: RolloutSession,
  keep: number,
): Promise<StorePrune> {
  const { config, store, fleet, run } = session
  const { app, environment } = config
  const { environments, files, releases } = await readContents(store, app)
  for (const other of environments) {
    const holder =
      other.environment === environment ? undefined : await readHolder(store, app, other.environment)
    if (holder === undefined) continue
    throw new DeliverError(
      'locked',
      `${app} ${other.environment} is being deployed by ${holder.owner}, so what it needs is not known`,
      {
        fix: 'Run deliver prune when that has ended.',
      },
    )
  }
  const hosts = await fleet.hosts(context.interrupt.signal)
  const asked = await inParallel(run.turns, hosts, (host) => askNeeds(run, session.link(host)))
  const lock = await store.readDocument(lockKey(app, environment))
  // Without a lock (a dry run before the first deploy) nothing is taken for old.
  const now = lock?.now ?? 0
  const plan = planStorePrune({ releases, environment, environments, hosts: asked, keep, now })
  return { ...plan, files }
}

/** Does what was decided. A release ceases to exist with its record, so what an interrupt leaves is seen as unpublished later. */
export async function carryOutStorePrune(
  context: CommandContext,
  { config, store, lease }: RolloutSession,
  { remove, files }: StorePrune,
): Promise<void> {
  for (const { release, because } of remove) {
    context.interrupt.signal.throwIfAborted()
    lease?.assertHeld()
    const keys = files.get(release) ?? []
    const record = releaseRecordKey(config.app, release)
    // Somebody may be publishing it anew this minute.
    if (!keys.includes(record) && (await store.size(record)) !== undefined) continue
    for (const key of keys) await store.remove(key)
    context.reporter.event({ type: 'note', text: `removed ${release} from ${store.name}: ${because}` })
  }
  try {
    for (const key of (await store.abandonUploads?.(`${config.app}/`, unfinishedFor)) ?? [])
      context.reporter.event({
        type: 'note',
        text: `removed the unfinished upload of ${key} from ${store.name}`,
      })
  } catch (error) {
    context.reporter.event({
      type: 'warning',
      text: `unfinished uploads were not removed: ${messageOf(error)}`,
    })
  }
}

/** After a deploy, where the config says how many releases stay. What can't be removed is a warning: the deploy is done. */
export async function pruneStoreAfter(context: CommandContext, session: RolloutSession): Promise<void> {
  const keep = session.config.store?.keep
  if (keep === undefined) return
  try {
    await carryOutStorePrune(context, session, await decideStorePrune(context, session, keep))
  } catch (error) {
    const text = `old releases were not removed from ${session.store.name}: ${messageOf(error)}`
    context.reporter.event({ type: 'warning', text })
  }
}
