import { formatDuration } from '../config/values.js'
import type { Action } from '../plan/machine/state.js'
import { hostState } from './run.js'
import { tellLog } from './tell-log.js'
import { watchHealth } from './watch-health.js'
import { membersOf, type Working } from './working.js'

/** Watches hosts of the first batch for a while. One that doesn't stay healthy has failed, confirmed or not. */
export async function bake(
  working: Working,
  { hosts, ms }: Extract<Action, { kind: 'bake' }>,
): Promise<void> {
  const { run, feed, ledger } = working
  run.reporter.event({ type: 'note', text: `watching ${hosts.join(', ')} for ${formatDuration(ms)}` })
  await Promise.all(
    membersOf(working, hosts).map(async ({ probed, step }) => {
      hostState(run, step.host, 'watching', formatDuration(ms))
      const watched = await ledger.time(step.host, () => watchHealth(run, probed.host, step.to, ms))
      if (run.lost.aborted) return
      if (watched.kind === 'healthy') return hostState(run, step.host, 'done')
      tellLog(run, step.host, watched.log)
      feed({ kind: 'failed', host: step.host, because: watched.because, switched: true, runs: step.to })
    }),
  )
  feed({ kind: 'baked' })
}
