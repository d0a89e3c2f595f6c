import type { Compatibility } from '../plan/compatibility.js'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { listReleases } from '../store/releases.js'

/** What the marks of these releases mean; nothing when none has one, for the order of all releases costs a listing. */
export async function compatibilityOf(
  store: Store,
  app: string,
  records: readonly ReleaseRecord[],
): Promise<{ readonly compatibility?: Compatibility }> {
  const oldest = new Map(
    records.flatMap(({ release, oldestRollback }) =>
      oldestRollback === undefined ? [] : [[release, oldestRollback] as const],
    ),
  )
  if (oldest.size === 0) return {}
  const newestFirst = await listReleases(store, app)
  return { compatibility: { oldest, published: newestFirst.map(({ release }) => release).reverse() } }
}
