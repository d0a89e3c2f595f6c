import { lazily } from '../lazily.js'
import type { ReleaseRecord } from '../release/release.js'
import { openAlias } from '../wire.js'
import type { RolloutSession } from './rollout-session.js'

/** It may compress anew, and few have an alias. */
const loadBringing = lazily(() => import('../execute/bring-alias.js'))

/**
 * Brings the alias, if the config wants one, to the release that the pointer names by now. A run that was stopped in between
 * leaves it behind; so this is called also when the pointer had not to move.
 */
export async function keepAlias(
  { config, store, run, lease }: RolloutSession,
  record: ReleaseRecord,
): Promise<void> {
  const key = config.store?.alias
  const alias = await openAlias(config)
  if (key === undefined || alias === undefined) return
  lease?.assertHeld()
  const { bringAlias } = await loadBringing()
  if (await bringAlias({ store, alias, key, record, signal: run.lost }))
    run.reporter.event({ type: 'note', text: `${alias.name} has ${record.release} now` })
}
