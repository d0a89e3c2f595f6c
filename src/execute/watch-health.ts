import type { ServiceFacts } from '../remote/facts.js'
import { observe } from './health/observe.js'
import { ProbeTeller } from './health/tell-probe.js'
import type { Run, RunHost } from './run.js'
import { unhealthy, type Settled } from './settle.js'

/** Bad answers in a row that are no hiccup: one slow probe under load must not undo a canary. */
const tooMany = 3
/** Ms between looks at the process. */
const lookEvery = 5_000
/** Without a health check. */
const unchecked = 5_000

/**
 * Watches a host that has settled for `ms` more. Unhealthy are several bad answers in a row, a service that ended, and a
 * process that is another one than at the start. Ends early, as healthy, when somebody asked to stop. Never rejects.
 */
export async function watchHealth(run: Run, host: RunHost, release: string, ms: number): Promise<Settled> {
  const interval = run.config.health?.interval ?? unchecked
  const started = run.clock.now()
  const end = started + ms
  const teller = new ProbeTeller(run, host, release)
  let first: ServiceFacts | undefined
  let looked = Number.NEGATIVE_INFINITY
  let bad = 0
  let answers = 0
  for (;;) {
    const look = (ok: boolean): boolean => {
      const now = run.clock.now()
      // What ends the watch must have been seen to be the same process still.
      const due = !ok || now - looked >= lookEvery || now >= end
      if (due) looked = now
      return due
    }
    const { answer, process } = await observe(run, host, { release, look, first })
    if (run.lost.aborted) return unhealthy(run, host, 'the deploy lost its lock')
    if (run.stop.aborted) return { kind: 'healthy', answers }
    const restarted = process === undefined ? undefined : changed(process, first)
    if (restarted !== undefined) return unhealthy(run, host, restarted)
    first ??= process
    const uptime = Math.min(run.clock.now() - started, ms)
    teller.tell(answer, { answers: answer.ok ? answers + 1 : 0, uptime }, { successes: 1, minUptime: ms })
    if (answer.ok) {
      bad = 0
      answers++
    } else if (++bad >= tooMany) {
      return unhealthy(run, host, `no longer healthy: ${answer.because}`)
    }
    const left = end - run.clock.now()
    if (left <= 0 && bad === 0) return { kind: 'healthy', answers }
    await run.clock.sleep(left > 0 ? Math.min(interval, left) : interval, run.stop).catch(() => undefined)
  }
}

/** A process that ended after it had settled has crashed, whether or not another one answers by now. */
function changed(now: ServiceFacts, first: ServiceFacts | undefined): string | undefined {
  if (first?.pid === undefined || now.pid === undefined) return undefined
  const same = first.pid === now.pid && first.started === now.started
  return same ? undefined : 'the service crashed, and was restarted by its manager'
}
