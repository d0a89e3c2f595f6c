import { DeliverError } from '../errors.js'
import { nearest } from '../nearest.js'
import type { Store } from '../ports.js'
import { listReleases } from '../store/releases.js'

/** That the store has no such release, with the one that was most likely meant. */
export async function unknownRelease(store: Store, app: string, release: string): Promise<DeliverError> {
  const names = await listReleases(store, app).then(
    (listed) => listed.map((each) => each.release),
    () => [],
  )
  const meant = nearest(release, names)
  return new DeliverError('precondition', `${store.name} has no release ${release} of ${app}`, {
    fix: `${meant === undefined ? '' : `Did you mean ${meant}? `}deliver releases lists what it has; deliver publish puts one there.`,
  })
}
