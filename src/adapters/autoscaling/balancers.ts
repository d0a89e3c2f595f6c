import type { Host } from '../../ports.js'
import { failureOf } from '../aws/failure.js'
import type { Entry, Registration } from './entries.js'

/** Load balancers of one kind, as far as taking servers out of them needs it. Failures are DeliverErrors. */
export interface Balancers {
  readonly kind: Extract<Entry, { registration: Registration }>['kind']
  /** "the target groups api, api-internal" */
  readonly name: string
  /** Where these hosts are registered now, and serve or are about to. */
  registrations(hosts: readonly Host[], signal?: AbortSignal): Promise<readonly Registration[]>
  /** `out`: no traffic goes there; `between`: some may, it is draining or not healthy yet; `in`: it serves. */
  states(registrations: readonly Registration[], signal?: AbortSignal): Promise<readonly Standing[]>
  /** Of one balancer. What is registered, or isn't, already is fine. False: there is no such balancer any more. */
  register(registrations: readonly Registration[], signal?: AbortSignal): Promise<boolean>
  deregister(registrations: readonly Registration[], signal?: AbortSignal): Promise<void>
}

export type RegistrationState = 'in' | 'between' | 'out'

export interface Standing {
  readonly state: RegistrationState
  /** In the words of the load balancer: `unhealthy (Target.Timeout: Request timed out)`. */
  readonly said: string
}

/** False when a request fails because what it is about is gone. */
export async function isThere(sent: Promise<unknown>, gone: ReadonlySet<string>): Promise<boolean> {
  try {
    await sent
    return true
  } catch (error) {
    if (gone.has(failureOf(error).code)) return false
    throw error
  }
}
