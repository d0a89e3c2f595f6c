import { codes } from '../remote/answers.js'
import type { ServiceFacts } from '../remote/facts.js'
import { logs } from '../remote/look-verbs.js'
import { CrashLoop } from './health/crash-loop.js'
import { observe, warnIfUnproved } from './health/observe.js'
import { Streak } from './health/streak.js'
import { ProbeTeller } from './health/tell-probe.js'
import { limits, type Run, type RunHost } from './run.js'

/** Whether a host proved that it is healthy on a release. `log` has the last lines of its service. */
export type Settled =
  | { readonly kind: 'healthy'; readonly answers: number }
  | { readonly kind: 'unhealthy'; readonly because: string; readonly log: string }

/** Without a health check the service's process is watched this long. */
const unchecked = { successes: 3, minUptime: 10_000, interval: 1_000, deadline: 30_000 }
const logLines = 30
/** A starting service is asked more often than a started one, so that it costs no more time than it takes. */
const eager = 250
/** Ms between looks at a process that doesn't answer well. */
const lookEvery = 1_000
/** States that a manager's service doesn't leave by itself: systemd's, pm2's, upstart's. */
const ended: ReadonlySet<string> = new Set(['failed', 'errored', 'stop/waiting'])
/** States of a service that nobody is starting; one that was restarted a moment ago may pass through them. */
const stopped: ReadonlySet<string> = new Set(['inactive', 'stopped', ...ended])

export interface Patience {
  /**
   * The host runs the release already and proved it before: it needn't do so over a time again. Nobody has restarted it, so that
   * a service which is found stopped, and a second later again, isn't waited for.
   */
  readonly proven?: boolean
}

/**
 * Waits until the host answers well several times in a row and over a minimum time, from one process that runs the release,
 * before the deadline. Any bad answer, another process or another release starts the count again: an average is not
 * health. A service that is restarted again and again, or has failed for good, is not waited for.
 */
export async function settle(
  run: Run,
  host: RunHost,
  release: string,
  { proven = false }: Patience = {},
): Promise<Settled> {
  const { health } = run.config
  const { successes, minUptime, interval, deadline } = health ?? unchecked
  const end = run.clock.now() + deadline
  const enough = { successes, minUptime: proven ? 0 : minUptime, interval }
  const streak = new Streak(enough)
  const teller = new ProbeTeller(run, host, release)
  const crashes = new CrashLoop()
  let first: ServiceFacts | undefined
  // What was restarted a moment ago may need one to listen: that alone is no reason to look at its process.
  let looked = proven ? -Infinity : run.clock.now()
  let stoppedSince: number | undefined
  for (;;) {
    let last = false
    // The process is looked at after the first good answer, after the last, and now and then while answers are bad.
    // Without a check it is all there is to look at.
    const look = (ok: boolean): boolean => {
      const now = run.clock.now()
      last = ok && streak.wouldDo(now)
      const due = ok
        ? last || health === undefined || streak.answers === 0
        : now - looked >= Math.min(interval, lookEvery)
      if (due) looked = now
      return due
    }
    const { answer, process } = await observe(run, host, { release, look, first })
    const now = run.clock.now()
    if (process !== undefined) {
      crashes.look(now, process)
      stoppedSince = isStopped(process) ? (stoppedSince ?? now) : undefined
    }
    if (answer.ok) {
      if (streak.answers === 0) first = process
      streak.good(now)
      const blind = isBlind(run, process)
      // Nobody was asked, then.
      if (!blind) teller.tell(answer, { answers: streak.answers, uptime: streak.span(now) }, enough)
      if (last || blind) {
        warnIfUnproved(run, host, release, process)
        return { kind: 'healthy', answers: streak.answers }
      }
    } else {
      streak.bad()
      teller.tell(answer, { answers: 0, uptime: 0 }, enough)
      first = undefined
      // Seen stopped twice: a second ago, and now.
      const down = proven && process !== undefined && now - (stoppedSince ?? now) >= lookEvery
      const hopeless =
        crashes.verdict(now) ?? whyEnded(process, answer.because) ?? (down ? whyStopped(process) : undefined)
      if (hopeless !== undefined) return unhealthy(run, host, hopeless)
    }
    if (run.lost.aborted) return unhealthy(run, host, 'the deploy lost its lock')
    const pause = streak.answers === 0 ? Math.min(interval, eager) : streak.pause(now)
    if (now + pause > end) {
      const because = answer.ok ? 'too few good answers in a row' : answer.because
      return unhealthy(run, host, `not healthy after ${Math.round(deadline / 1000)} s: ${because}`)
    }
    await run.clock.sleep(pause)
  }
}

/** No check, and a service that doesn't show its process: waiting would see nothing. */
function isBlind(run: Run, process: ServiceFacts | undefined): boolean {
  return run.config.health === undefined && process?.active === undefined && process?.pid === undefined
}

function whyEnded(process: ServiceFacts | undefined, because: string): string | undefined {
  return process?.state !== undefined && ended.has(process.state)
    ? `the service failed: ${because}`
    : undefined
}

function isStopped({ active, state }: ServiceFacts): boolean {
  return active === false && (state === undefined || stopped.has(state))
}

function whyStopped({ state }: ServiceFacts): string {
  return `the service is ${state ?? 'not running'}`
}

export async function unhealthy(run: Run, host: RunHost, because: string): Promise<Settled> {
  return { kind: 'unhealthy', because, log: await lastLog(run, host) }
}

/** The last lines of the service's log on the host since its restart, or what is known instead. */
export async function lastLog(run: Run, host: RunHost): Promise<string> {
  const { service } = run.config
  if (service === undefined) return ''
  const answer = await host.link.call(logs({ service, lines: logLines }), { timeout: limits.look })
  if (answer.kind === 'answer' && answer.code !== codes.ok) return `no log: ${answer.text}`
  return answer.log
}
