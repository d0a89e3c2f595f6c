import { DeliverError } from '../../errors.js'
import type { Host, Session, Transport } from '../../ports.js'
import { attempt } from './attempt.js'
import { Bastions } from './bastions.js'
import type { Bastion } from './bastions.js'
import { ConnectFailure } from './connect-failure.js'
import { destinationOf } from './destination.js'
import type { Asked, Destination, Surroundings } from './destination.js'
import type { IdentityPlan } from './destination-plans.js'
import { withGivenKeys } from './given-keys.js'
import { findIdentities } from './identities.js'
import type { Identities } from './identities.js'
import { KnownHostsFiles } from './known-hosts-files.js'
import { pause, tried } from './retries.js'
import { Semaphore } from './semaphore.js'
import { loadSsh2 } from './ssh2.js'
import type { Ssh2 } from './ssh2.js'
import { surroundings } from './surroundings.js'
import type { SshTransportOptions } from './surroundings.js'

/** Connections that are being opened at once, whatever the number of hosts. */
const opening = 10
const maxJumps = 8

/** Connects to hosts with ssh2, as the user's ssh config says. */
export function createSsh2Transport(options: SshTransportOptions): Transport {
  return new Ssh2Transport(options)
}

class Ssh2Transport implements Transport {
  readonly #around: Surroundings
  readonly #options: SshTransportOptions
  readonly #knownHosts = new KnownHostsFiles()
  readonly #bastions = new Bastions()
  readonly #opening = new Semaphore(opening)
  readonly #identities = new Map<string, Promise<Identities>>()
  readonly #warned = new Set<string>()

  constructor(options: SshTransportOptions) {
    this.#options = options
    this.#around = surroundings(options)
  }

  connect(host: Host, signal?: AbortSignal): Promise<Session> {
    const { name, address, port, user, instance } = host
    const asked = {
      label: name,
      address,
      ...(port === undefined ? {} : { port }),
      ...(user === undefined ? {} : { user }),
      ...(instance === undefined ? {} : { instance }),
    }
    return this.#connect(asked, host, [], signal)
  }

  close(): Promise<void> {
    return this.#bastions.close()
  }

  /** `trail`: the bastions that are being connected to because of this one, to notice circles. */
  async #connect(asked: Asked, host: Host, trail: readonly string[], signal?: AbortSignal): Promise<Session> {
    signal?.throwIfAborted()
    const { destination: plain, warnings } = destinationOf(asked, this.#around)
    for (const text of warnings) this.#warn(text)
    const destination =
      asked.bastion === true
        ? plain
        : { ...plain, trust: await withGivenKeys(plain, host, this.#around, signal) }
    const ssh2 = await loadSsh2()
    const identities = await this.#identitiesOf(destination.identities, ssh2)
    for (let failures = 0; ; failures++) {
      const bastion = await this.#bastion(destination, trail, signal)
      try {
        const work = {
          ssh2,
          host,
          destination,
          identities,
          knownHosts: this.#knownHosts,
          ...(signal === undefined ? {} : { signal }),
        }
        return await this.#inTurn(
          bastion,
          () => attempt({ ...work, ...(bastion === undefined ? {} : { bastion }) }),
          signal,
        )
      } catch (error) {
        if (!(error instanceof ConnectFailure)) throw error
        if (!error.retry || failures >= this.#around.ssh.retries) throw tried(error, failures)
      }
      await pause(failures, this.#options.clock, signal)
    }
  }

  #inTurn<T>(bastion: Bastion | undefined, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const inTurn = () => this.#opening.run(work, signal)
    return bastion === undefined ? inTurn() : bastion.opening.run(inTurn, signal)
  }

  async #bastion(
    destination: Destination,
    trail: readonly string[],
    signal?: AbortSignal,
  ): Promise<Bastion | undefined> {
    const { jumps } = destination
    const last = jumps.at(-1)
    if (last === undefined) return undefined
    const before = jumps.slice(0, -1)
    const key = JSON.stringify([before, last])
    if (trail.includes(key) || trail.length >= maxJumps) {
      throw new DeliverError(
        'usage',
        `${destination.where}: ProxyJump leads in a circle, or through more than ${maxJumps} hosts`,
        {
          fix: 'Correct ProxyJump in the ssh config.',
        },
      )
    }
    const label = `bastion ${last.address}`
    const asked: Asked = { ...last, label, bastion: true, ...(before.length === 0 ? {} : { jumps: before }) }
    const host: Host = { ...last, name: label, labels: {} }
    try {
      return await this.#bastions.get(
        key,
        (until) => this.#connect(asked, host, [...trail, key], until),
        signal,
      )
    } catch (error) {
      if (!(error instanceof DeliverError) || signal?.aborted === true) throw error
      const detail = error.fix === undefined ? { cause: error } : { cause: error, fix: error.fix }
      throw new DeliverError(error.kind, `${destination.where}, through ${error.message}`, detail)
    }
  }

  /** Keys are read and the agent is asked once, not once per host. */
  #identitiesOf(plan: IdentityPlan, ssh2: Ssh2): Promise<Identities> {
    const key = JSON.stringify(plan)
    const found = this.#identities.get(key) ?? findIdentities(plan, ssh2)
    this.#identities.set(key, found)
    return found
  }

  #warn(text: string): void {
    if (this.#warned.has(text)) return
    this.#warned.add(text)
    this.#options.reporter?.event({ type: 'warning', text })
  }
}
