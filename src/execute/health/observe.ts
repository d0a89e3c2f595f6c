import type { ServiceFacts } from '../../remote/facts.js'
import { readServiceFacts } from '../../remote/readings.js'
import { service as serviceCall } from '../../remote/look-verbs.js'
import { limits, type Run, type RunHost } from '../run.js'
import { warnOnce } from '../warn-once.js'
import { unproved, wrongListener, wrongProcess } from './identity.js'
import { healthPort, probeHealth, type Probe } from './probe.js'

/** One answer of a host, and what was seen of its service with it. */
export interface Observation {
  readonly answer: Probe
  /** Undefined when nobody looked, or the host couldn't tell. */
  readonly process: ServiceFacts | undefined
}

export interface Question {
  readonly release: string
  /** Whether to look at the process too, now that the check answered well or badly. */
  readonly look: (ok: boolean) => boolean
  /** The process that answered first: it must be the same still. */
  readonly first: ServiceFacts | undefined
}

/** Asks a host once. A good answer from a process that is not the release's is a bad one. */
export async function observe(run: Run, host: RunHost, question: Question): Promise<Observation> {
  const { health } = run.config
  const { release } = question
  const answer: Probe =
    health === undefined ? { ok: true } : await probeHealth(host.link, health, { release, signal: run.lost })
  if (!question.look(answer.ok)) return { answer, process: undefined }
  const seen = await readService(run, host)
  if (seen !== undefined && 'lost' in seen)
    return { answer: answer.ok ? { ok: false, because: seen.lost } : answer, process: undefined }
  if (!answer.ok) return { answer, process: seen }
  const wrong = seen === undefined ? undefined : judgeProcess(run, question, seen)
  return { answer: wrong === undefined ? answer : { ok: false, because: wrong }, process: seen }
}

function judgeProcess(run: Run, { release, first }: Question, seen: ServiceFacts): string | undefined {
  const wrong = wrongProcess(seen, release, first)
  return wrong ?? (namesRelease(run) ? undefined : wrongListener(seen, release))
}

/** Says once that a host counts as healthy though nothing shows that it is the new release that answered. */
export function warnIfUnproved(
  run: Run,
  host: RunHost,
  release: string,
  seen: ServiceFacts | undefined,
): void {
  if (namesRelease(run)) return
  const { service, health } = run.config
  const why = unproved(seen, { release, manager: service?.manager.kind, port: healthPort(health) })
  if (why === undefined) return
  const fix = 'Let the answer name its release (health.http.release), or run the app in its directory'
  warnOnce(run, 'health unverified', `${host.name}: ${why}. ${fix}`)
}

/** Whether each answer says which release gave it. */
function namesRelease({ config: { health } }: Run): boolean {
  return health?.check.kind === 'http' && health.check.release !== undefined
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
