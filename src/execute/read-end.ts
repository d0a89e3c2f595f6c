import { readJournal } from '../remote/readings.js'
import { codes } from '../remote/answers.js'
import { journal } from '../remote/look-verbs.js'
import { limits, type Run, type RunHost } from './run.js'

/** How a call of this run ended on the host, as its journal says. */
export interface End {
  /** One of the agent's codes. */
  readonly code: number
  readonly text: string
}

/** Ms between looks at a step that may still be under way. */
const pause = 2_000
const journalLines = 50

/**
 * The end of a call whose answer was lost. Of a call that was sent twice, the one that counts: one that came too late, and was refused, says nothing
 * of the one that was heard. It may be under way, so it is waited for as long as a restart may take, or `within` ms;
 * undefined when it never ended: it was killed, or the host restarted.
 */
export async function readEnd(
  run: Run,
  host: RunHost,
  of: { readonly verb: string; readonly release: string; readonly within?: number },
): Promise<End | undefined> {
  const deadline = run.clock.now() + (of.within ?? run.config.service?.timeout ?? 0) + 15_000
  for (;;) {
    const reading = readJournal(await host.link.call(journal(journalLines), { timeout: limits.look }))
    if (reading.kind === 'ok') {
      const line = reading.value.findLast(
        (each) =>
          each.verb === of.verb &&
          each.release === of.release &&
          each.fence === run.fence &&
          endOf(each.result)?.code !== codes.lostRace,
      )
      const end = endOf(line?.result ?? '')
      if (end !== undefined) return end
    }
    if (run.lost.aborted || run.clock.now() >= deadline) return undefined
    await run.clock.sleep(pause)
  }
}

function endOf(result: string): End | undefined {
  const parts = /^(\d+) (.*)$/.exec(result)
  return parts === null ? undefined : { code: Number(parts[1]), text: parts[2] ?? '' }
}
