import { systemClock } from '../adapters/clock.js'
import { messageOf } from '../errors.js'
import { inParallel } from '../execute/parallel.js'
import { beyond, limits, type RunHost } from '../execute/run.js'
import type { Outcome } from '../plan/outcome.js'
import type { ReleaseRecord } from '../release/release.js'
import { readPruned } from '../remote/readings.js'
import { prune } from '../remote/verbs.js'
import { redactedData } from '../secrets/redacting.js'
import { appendHistory, type HistoryEntry } from '../store/history.js'
import type { CommandContext, CommandResult } from './context.js'
import { thisOwner, type RolloutSession } from './rollout-session.js'

/**
 * Entries from which on a host begins the next release beforehand. Linking fewer takes less than the hundred processes of beginning it: staging a
 * change was as fast without at 200 entries, and 0.1 s slower at 1000 (docs/performance.md).
 */
const worthPreparing = 500

/** Removes old releases on hosts. What can't be removed is a warning: the deploy itself is done. */
export async function pruneHosts(
  session: RolloutSession,
  hosts: readonly RunHost[],
  kept: { readonly protect: readonly string[]; readonly running: ReleaseRecord },
): Promise<void> {
  const { run, target } = session
  const { protect, running } = kept
  const prepare = target.prepare && running.manifest.entries >= worthPreparing
  await inParallel(run.turns, hosts, async ({ name, link }) => {
    const { keep } = target
    const call = prune({ fence: run.fence, keep, protect, prepare, limit: limits.stage })
    const reading = readPruned(await link.call(call, { timeout: beyond(limits.stage), signal: run.lost }))
    if (reading.kind !== 'ok') {
      const because = reading.kind === 'refused' ? reading.text : reading.because
      run.reporter.event({ type: 'warning', host: name, text: `old releases were not removed: ${because}` })
      return
    }
    for (const { release, because } of reading.value)
      run.reporter.event({ type: 'note', host: name, text: `removed ${release}: ${because}` })
  })
}

export interface Told {
  readonly command: 'deploy' | 'rollback'
  readonly release: string
  readonly previous: string | undefined
  readonly started: number
  readonly result: CommandResult
  readonly outcomes: readonly Outcome[]
}

/** Writes what this run did into the history. A history that can't be written is a warning: hosts are as they are. */
export async function tellHistory(
  context: CommandContext,
  session: RolloutSession,
  told: Told,
): Promise<void> {
  const { config, store } = session
  const owner = thisOwner(context)
  try {
    await appendHistory(
      { store, clock: systemClock, app: config.app, environment: config.environment },
      redactedData<HistoryEntry>(
        {
          version: 1,
          command: told.command,
          release: told.release,
          ...(told.previous === undefined ? {} : { previous: told.previous }),
          by: owner.owner,
          ...(owner.job === undefined ? {} : { job: owner.job }),
          ...(owner.url === undefined ? {} : { url: owner.url }),
          started: new Date(told.started).toISOString(),
          ended: new Date(systemClock.now()).toISOString(),
          code: told.result.code,
          text: told.result.text,
          hosts: told.outcomes.map((outcome) => ({
            host: outcome.host,
            outcome: outcome.kind,
            ...('because' in outcome && outcome.because !== undefined ? { because: outcome.because } : {}),
            ...('runs' in outcome && typeof outcome.runs === 'string' ? { runs: outcome.runs } : {}),
          })),
        },
        context.secrets.redactor.redact,
      ),
    )
  } catch (error) {
    context.reporter.event({ type: 'warning', text: `the history was not written: ${messageOf(error)}` })
  }
}
