import { exitCodes } from '../errors.js'
import type { HostView } from '../plan/types.js'
import type { Store } from '../ports.js'
import { readHistory } from '../store/history.js'

/** Runs of the history that are looked through for one that was undone. */
const recentRuns = 20

/**
 * The views without switches whose undoing is over: of a deploy that ended with every host back, or one after which another run
 * succeeded. What is left is that of a deploy that was interrupted, couldn't take all hosts back, or was killed and is in no history. A
 * history that can't be read settles nothing: a rollback then takes less back, and says so.
 */
export async function withoutSettled(
  store: Store,
  { app, environment }: { readonly app: string; readonly environment: string },
  views: readonly HostView[],
): Promise<readonly HostView[]> {
  if (views.every(({ reverted }) => reverted === undefined)) return views
  const read = readHistory(store, { app, environment, limit: recentRuns })
  const entries = await read.then((history) => history.entries).catch(() => [])
  const settled = (release: string): boolean => {
    const at = entries.findIndex((entry) => entry.command === 'deploy' && entry.release === release)
    if (at === -1) return false
    return entries[at]?.code === exitCodes.rolledBack || entries.slice(0, at).some(({ code }) => code === 0)
  }
  return views.map(({ reverted, ...view }) =>
    reverted === undefined || settled(reverted.release) ? view : { ...view, reverted },
  )
}
