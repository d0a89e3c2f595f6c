import type { HealthConfig } from '../../config/types.js'
import type { HostLink } from '../link.js'
import { healthAddress } from './address.js'
import { probeCommand } from './command.js'
import { probeHttp } from './http.js'
import { probeTcp } from './tcp.js'

/** What one question about a host's health gave. */
export type Probe = { readonly ok: true } | { readonly ok: false; readonly because: string }

/**
 * Asks once, within `timeout` ms. `release` is the one that must answer, where answers name theirs. Never rejects: what goes
 * wrong is the answer.
 */
export async function probeHealth(
  link: HostLink,
  health: HealthConfig,
  { release, signal }: { readonly release?: string; readonly signal?: AbortSignal } = {},
): Promise<Probe> {
  const deadline = AbortSignal.timeout(health.timeout)
  const both = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
  switch (health.check.kind) {
    case 'http':
      return probeHttp({
        check: health.check,
        open: (address, until) => link.openTcp(address, until),
        signal: both,
        ...(release === undefined ? {} : { release }),
      })
    case 'tcp':
      return probeTcp(health.check, (address, until) => link.openTcp(address, until), both)
    case 'command':
      return probeCommand(health.check, link, health.timeout, signal)
  }
}

/** The port that the service is asked on, if the check names one: it identifies the process that answers. */
export function healthPort(health: HealthConfig | undefined): number | undefined {
  return healthAddress(health)?.port
}
