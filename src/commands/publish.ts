import { marksFrom } from '../build/marks.js'
import { publishRelease } from '../build/publish.js'
import { exitCodes } from '../errors.js'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { readRelease } from '../store/releases.js'
import { openStore } from '../wire.js'
import { makeArchive, type ArchiveOptions } from './archive.js'
import { openBuilding, releaseToBuild, step } from './building.js'
import { signer } from './signing.js'
import { withBuildHooks } from './build-hooks.js'
import type { CommandContext, CommandResult } from './context.js'
import { makeReadyDelta } from './ready-delta.js'

export interface PublishOptions extends ArchiveOptions {
  /** Why a person must say yes to this release; over the commit's trailer. */
  readonly confirm?: string | undefined
  /** The oldest release that hosts may go back to from this one; over the commit's trailer. */
  readonly oldestRollback?: string | undefined
}

/** `deliver publish`: puts a release's archive into the store, making it first if need be. */
export async function publish(context: CommandContext, options: PublishOptions = {}): Promise<CommandResult> {
  const building = await openBuilding(context)
  const store = await openStore(building.config)
  const release = await releaseToBuild(context, building, options.tag)
  const marks = marksFrom(
    { confirm: options.confirm, oldestRollback: options.oldestRollback },
    { confirm: '--confirm', oldestRollback: '--oldest-rollback' },
  )
  const {
    record: made,
    files,
    listing,
  } = await makeArchive(context, building, { release, cache: options.cache })
  const record = { ...made, ...marks }
  await warnOfUnknown(context, store, record)
  const { config } = building
  const build = { release, commit: record.source.commit }
  const points = ['beforePublish', 'afterPublish'] as const
  const { outcome, record: published } = await withBuildHooks(context, { config, points }, build, () =>
    step(context, 'publish', store.name, () =>
      publishRelease({
        store,
        reporter: context.reporter,
        record,
        files,
        listing,
        signal: context.interrupt.signal,
        sign: signer(context, config),
      }),
    ),
  )
  await makeReadyDelta(context, { config, store, record: published, files, git: building.git })
  const text = `${release} ${outcome === 'unchanged' ? 'was published already' : 'published'} in ${store.name}`
  return { code: exitCodes.done, text, data: { outcome, release } }
}

/** Nothing is older than a release that never was, so that a slip in the mark would forbid every way back. */
async function warnOfUnknown(
  { reporter }: CommandContext,
  store: Store,
  { app, release, oldestRollback }: ReleaseRecord,
): Promise<void> {
  if (oldestRollback === undefined || oldestRollback === release) return
  if ((await readRelease(store, app, oldestRollback)) !== undefined) return
  const text = `${release} may be rolled back to ${oldestRollback} at the oldest, and ${store.name} has no such release: no host will go back from it by itself`
  reporter.event({ type: 'warning', text })
}
