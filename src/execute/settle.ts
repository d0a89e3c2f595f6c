import { codes } from '../remote/answers.js'
import type { ServiceFacts } from '../remote/facts.js'
import { readServiceFacts } from '../remote/readings.js'
import { logs, service as serviceCall } from '../remote/verbs.js'
import { healthPort, probeHealth, type Probe } from './health/probe.js'
import { limits, type Run, type RunHost } from './run.js'

/** Whether a host proved that it is healthy on a release. `log` has the last lines of its service. */
export type Settled =
  | { readonly kind: 'healthy'; readonly answers: number }
  | { readonly kind: 'unhealthy'; readonly because: string; readonly log: string }

/** Without a health check the service's process is watched this long. */
const unchecked = { successes: 3, interval: 1_000, deadline: 30_000 }
const logLines = 30
/** A starting service is asked more often than a started one, so that it costs no more time than it takes. */
const eager = 250

/**
 * Waits until the host answers well several times in a row, from one process that runs the release, before the
 * deadline. Any bad answer, another process or another release starts the count again: an average is not health.
 */
export async function settle(run: Run, host: RunHost, release: string): Promise<Settled> {
  const { health } = run.config
  const { successes, interval, deadline } = health ?? unchecked
  const end = run.clock.now() + deadline
  let streak = 0
  let first: ServiceFacts | undefined
  let looked = Number.NEGATIVE_INFINITY
  for (;;) {
    let answer: Probe = health === undefined ? { ok: true } : await probeHealth(host.link, health, run.lost)
    // The process is looked at after the first good answer, after the last, and now and then while answers are bad.
    const now = run.clock.now()
    const look = answer.ok ? streak === 0 || streak + 1 >= successes : now - looked >= interval
    if (look) looked = now
    const process = look ? await readService(run, host) : undefined
    if (answer.ok && process !== undefined) {
      const wrong =
        'lost' in process ? process.lost : wrongProcess(process, release, streak === 0 ? undefined : first)
      if (wrong !== undefined) answer = { ok: false, because: wrong }
    }
    if (answer.ok) {
      if (streak === 0) first = process !== undefined && 'lost' in process ? undefined : process
      streak++
      if (streak >= successes) return { kind: 'healthy', answers: streak }
    } else {
      streak = 0
      if (process !== undefined && 'state' in process && process.state === 'failed')
        return unhealthy(run, host, `the service failed: ${answer.because}`)
    }
    if (run.lost.aborted) return unhealthy(run, host, 'the deploy lost its lock')
    const pause = streak === 0 ? Math.min(interval, eager) : interval
    if (run.clock.now() + pause > end) {
      const because = answer.ok ? 'too few good answers in a row' : answer.because
      return unhealthy(run, host, `not healthy after ${Math.round(deadline / 1000)} s: ${because}`)
    }
    await run.clock.sleep(pause)
  }
}

/** Why this can't be the new release at work; undefined when nothing speaks against it. */
export function wrongProcess(
  now: ServiceFacts,
  release: string,
  first: ServiceFacts | undefined,
): string | undefined {
  if (now.active === false) return `the service is ${now.state ?? 'not running'}`
  if (now.release !== undefined && now.release !== release)
    return `the process that answers still runs ${now.release}`
  if (first?.pid === undefined || now.pid === undefined) return undefined
  if (first.pid !== now.pid || first.started !== now.started) return 'the service restarted by itself'
  if (first.restarts !== undefined && now.restarts !== undefined && now.restarts > first.restarts)
    return 'the service restarted by itself'
  return undefined
}

/** What the host knows of the service's process; undefined when it can't tell, `lost` when it didn't answer. */
async function readService(
  run: Run,
  host: RunHost,
): Promise<ServiceFacts | { readonly lost: string } | undefined> {
  const { service, health } = run.config
  const port = healthPort(health)
  const call = serviceCall({
    ...(service === undefined ? {} : { service }),
    ...(port === undefined ? {} : { port }),
  })
  const reading = readServiceFacts(await host.link.call(call, { timeout: limits.look, signal: run.lost }))
  if (reading.kind === 'unknown') return { lost: reading.because }
  return reading.kind === 'ok' ? reading.value : undefined
}

async function unhealthy(run: Run, host: RunHost, because: string): Promise<Settled> {
  return { kind: 'unhealthy', because, log: await lastLog(run, host) }
}

/** The last lines of the service's log on the host, or what is known instead. */
export async function lastLog(run: Run, host: RunHost): Promise<string> {
  const { service } = run.config
  if (service === undefined) return ''
  const answer = await host.link.call(logs({ service, lines: logLines }), { timeout: limits.look })
  if (answer.kind === 'answer' && answer.code !== codes.ok) return `no log: ${answer.text}`
  return answer.log
}
