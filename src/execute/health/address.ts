import type { HealthConfig } from '../../config/types.js'
import { DeliverError, messageOf } from '../../errors.js'
import type { HostLink } from '../link.js'

/** Where a check asks, as the host sees it; undefined when it asks by a command. */
export interface Address {
  readonly host: string
  readonly port: number
}

export function healthAddress(health: HealthConfig | undefined): Address | undefined {
  const check = health?.check
  if (check?.kind === 'tcp') return { host: check.host, port: check.port }
  return check?.kind === 'http' ? addressOf(new URL(check.url)) : undefined
}

export function addressOf({ hostname, port, protocol }: URL): Address {
  return { host: bare(hostname), port: Number(port) || (protocol === 'https:' ? 443 : 80) }
}

/** An IPv6 address of a URL without its brackets. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** Why health can't be asked for on a host, and what to do. */
export interface Barred {
  readonly because: string
  readonly fix: string
}

/** A host that lets nothing through is told by its health check anyway, in its own time. */
const lookFor = 5_000

/**
 * Whether the host's sshd forbids the connection that the health check needs: then every release would fail there, and
 * go back, and be called bad. Anything else that may be wrong with it is the service's own, and no matter before it
 * runs. To be asked over a connection that is there. Never rejects.
 */
export async function healthBarred(
  link: HostLink,
  health: HealthConfig | undefined,
  signal: AbortSignal,
): Promise<Barred | undefined> {
  const address = healthAddress(health)
  if (address === undefined) return undefined
  try {
    const opened = await link.openTcp(address, AbortSignal.any([signal, AbortSignal.timeout(lookFor)]))
    opened.on('error', () => undefined)
    opened.destroy()
  } catch (error) {
    if (!(error instanceof DeliverError) || error.kind !== 'precondition') return undefined
    return {
      because: `its health can't be asked for: ${messageOf(error)}`,
      fix: 'Allow it there (AllowTcpForwarding local, for this login), or ask by health.command.',
    }
  }
  return undefined
}
