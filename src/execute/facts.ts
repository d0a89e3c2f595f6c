import type { HostView } from '../plan/types.js'
import type { Host } from '../ports.js'
import type { HostFacts } from '../remote/facts.js'
import { fencedOut } from '../remote/fence.js'
import { withLastWords } from '../remote/last-words.js'
import { readHostFacts } from '../remote/readings.js'
import { probe } from '../remote/verbs.js'
import { healthBarred } from './health/address.js'
import { hostState, limits, type Run, type RunHost } from './run.js'

/** What a host told, or why it can't be deployed to. */
export type Probed =
  | { readonly kind: 'ready'; readonly host: RunHost; readonly facts: HostFacts; readonly view: HostView }
  | {
      readonly kind: 'unfit'
      readonly host: RunHost
      readonly because: string
      readonly view?: HostView
      /** Nothing of it could be read. */
      readonly unreachable?: true
      /** It may be reached a little later: nobody listens yet, but no key or login was refused. */
      readonly transient?: true
      /** Another server has its address by now: it is gone. */
      readonly swapped?: true
    }

/** Room that a release needs on a host: the bytes of archive and tree together, and the number of entries. */
export interface Room {
  readonly bytes: number
  readonly inodes: number
}

/**
 * Connects to a host and reads its state. Never rejects. Room is only asked for when something may be
 * staged, because a host that needs nothing may lack it.
 */
export async function probeHost(run: Run, host: RunHost, room?: Room): Promise<Probed> {
  hostState(run, host.name, 'connecting')
  const { service } = run.config
  const call = probe({ ...(room ?? {}), ...(service === undefined ? {} : { service }) })
  const look = async () =>
    readHostFacts(await host.link.call(call, { timeout: limits.look, signal: run.stop }))
  let reading = await look()
  if (reading.kind === 'unknown' && !run.stop.aborted) reading = await look()
  if (reading.kind === 'unknown')
    return {
      kind: 'unfit',
      host,
      because: withLastWords(reading),
      unreachable: true,
      ...(reading.transient === true ? { transient: true } : {}),
    }
  if (reading.kind === 'refused') return { kind: 'unfit', host, because: reading.text }
  const facts = reading.value
  host.link.knows(facts.tools)
  const { labels } = host.link.host
  const other = otherInstance(host.link.host, facts)
  if (other !== undefined)
    return { kind: 'unfit', host, because: `its address belongs to ${other} by now`, swapped: true }
  const view = viewOf(host.name, facts, new Map(Object.entries(labels)).get(run.config.rollout.spread))
  const fenced = run.fence > 0 ? fencedOut(facts, run.fence) : undefined
  if (fenced !== undefined) return { kind: 'unfit', host, because: `${fenced.because}. ${fenced.fix}`, view }
  const problems = facts.problems.map((problem) => problem.text)
  // Not beside the probe: of a host that can't be reached, that would be one more try to log in.
  const barred = await healthBarred(host.link, run.config.health, run.stop)
  if (barred !== undefined) problems.push(`${barred.because}. ${barred.fix}`)
  if (problems.length > 0) return { kind: 'unfit', host, because: problems.join('; '), view }
  return { kind: 'ready', host, facts, view }
}

/** Of EC2; clouds that have ids of other kinds, or images with a fixed one, are not judged by them. */
const instanceId = /^i-[0-9a-f]{8,17}$/

/** The instance that has the host's address, if it is another one than the fleet said. */
function otherInstance({ instance }: Host, facts: HostFacts): string | undefined {
  if (instance === undefined || facts.instance === undefined || instance === facts.instance) return undefined
  return instanceId.test(instance) && instanceId.test(facts.instance) ? facts.instance : undefined
}

/** The plan's view of what a host told. */
export function viewOf(host: string, facts: HostFacts, zone?: string): HostView {
  return {
    host,
    current: facts.current.kind === 'release' ? facts.current.release : null,
    unconfirmed: facts.unconfirmed !== undefined,
    staged: new Map(facts.releases.map((release) => [release.release, release.digest])),
    good: facts.good,
    bad: facts.releases.filter((release) => release.mark === 'bad').map((release) => release.release),
    via: facts.via,
    ...(facts.reverted === undefined ? {} : { reverted: facts.reverted }),
    ...(zone === undefined ? {} : { zone }),
  }
}
