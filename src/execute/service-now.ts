import type { Config } from '../config/types.js'
import type { ServiceNow } from '../plan/preview.js'
import type { ServiceFacts } from '../remote/facts.js'
import { readServiceFacts } from '../remote/readings.js'
import { service as serviceCall } from '../remote/look-verbs.js'
import { wrongListener, wrongProcess } from './health/identity.js'
import { healthPort, probeHealth } from './health/probe.js'
import type { HostLink } from './link.js'
import { limits } from './run.js'

type Watched = Pick<Config, 'service' | 'health'>

/** What the service of a host is like right now: one look, and one question. Never rejects, and changes nothing. */
export async function lookAtService(
  link: HostLink,
  config: Watched,
  runs: string | null,
  signal: AbortSignal,
): Promise<ServiceNow> {
  const port = healthPort(config.health)
  const call = serviceCall({
    ...(config.service === undefined ? {} : { service: config.service }),
    ...(port === undefined ? {} : { port }),
  })
  const reading = readServiceFacts(await link.call(call, { timeout: limits.look, signal }))
  if (reading.kind === 'unknown') return { health: 'unhealthy', because: reading.because }
  return serviceNow(link, config, { facts: reading.kind === 'ok' ? reading.value : {}, runs }, signal)
}

/** As lookAtService, of a host that told about its service already. */
export async function serviceNow(
  link: HostLink,
  { health }: Watched,
  { facts, runs }: { readonly facts: ServiceFacts; readonly runs: string | null },
  signal: AbortSignal,
): Promise<ServiceNow> {
  const base = {
    ...(facts.state === undefined ? {} : { state: facts.state }),
    ...(facts.uptime === undefined ? {} : { uptime: facts.uptime }),
  }
  if (runs === null) return { ...base, health: 'unchecked' }
  const wrong = wrongProcess(facts, runs, undefined) ?? wrongListener(facts, runs)
  if (wrong !== undefined) return { ...base, health: 'unhealthy', because: wrong }
  if (health === undefined) return { ...base, health: 'unchecked' }
  const answer = await probeHealth(link, health, { release: runs, signal })
  return answer.ok
    ? { ...base, health: 'healthy' }
    : { ...base, health: 'unhealthy', because: answer.because }
}
