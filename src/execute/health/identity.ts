import type { ServiceConfig } from '../../config/types.js'
import type { ServiceFacts } from '../../remote/facts.js'

/** Why this can't be the new release at work; undefined when nothing speaks against it. `first`: what ran at the start. */
export function wrongProcess(
  now: ServiceFacts,
  release: string,
  first: ServiceFacts | undefined,
): string | undefined {
  if (now.active === false) return `the service is ${now.state ?? 'not running'}`
  if (now.release !== undefined && now.release !== release)
    return `the process that answers still runs ${now.release}`
  if (first === undefined || now.pid === undefined) return undefined
  if (first.pid === undefined) return 'the process of the service shows only now'
  const same = first.pid === now.pid && first.started === now.started
  const counted = first.restarts !== undefined && now.restarts !== undefined && now.restarts > first.restarts
  return same && !counted ? undefined : 'the service restarted by itself'
}

/** Why the answer of a port doesn't come from the new release; undefined when nothing speaks against it. */
export function wrongListener({ listener }: ServiceFacts, release: string): string | undefined {
  if (listener === undefined || listener.release === release) return undefined
  const who = `pid ${listener.pid}${listener.name === undefined ? '' : ` (${listener.name})`}`
  if (listener.release !== undefined)
    return `the old process answers: ${who} has the port, and runs ${listener.release}`
  if (listener.belongs !== false) return undefined
  return `another process answers: ${who} has the port, and is not of the service`
}

/** What must be known before an answer counts as that of the new release. */
export interface Proof {
  readonly release: string
  readonly manager: ServiceConfig['manager']['kind'] | undefined
  /** The port that was asked, if one was. */
  readonly port: number | undefined
}

/**
 * Why nothing proves that the new release is what answered; undefined when something does: the directory of the process, or
 * a manager that made it anew and knows it.
 */
export function unproved(now: ServiceFacts | undefined, proof: Proof): string | undefined {
  const { port, release, manager } = proof
  if (now === undefined) return 'the host does not tell about the process of the service'
  if (port === undefined) {
    if (now.release === release) return undefined
    if (manager === undefined) return 'there is no service to look at'
    if (manager === 'command') return 'a restart command does not tell which process it started'
    return now.pid === undefined ? 'the process of the service is not known' : undefined
  }
  if (now.listening === false) {
    // The answer came through something like a container's port mapping.
    return now.release === release ? undefined : `nobody listens on port ${port} on the host itself`
  }
  const { listener } = now
  if (listener === undefined)
    return `the process that has port ${port} belongs to another user, who it is can't be seen`
  if (listener.release === release || listener.belongs === true) return undefined
  return `the process that has port ${port} does not run in a release's directory`
}
