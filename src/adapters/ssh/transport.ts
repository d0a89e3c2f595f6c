import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SshConfig } from '../../config/types.js'
import { DeliverError } from '../../errors.js'
import type { Clock, Host, Session, Transport } from '../../ports.js'
import type { Reporter } from '../../report/events.js'
import { attempt } from './attempt.js'
import { Bastions } from './bastions.js'
import type { Bastion } from './bastions.js'
import { ConfigFiles } from './config-files.js'
import { ConnectFailure } from './connect-failure.js'
import { destinationOf } from './destination.js'
import type { Asked, Destination, Surroundings } from './destination.js'
import type { IdentityPlan } from './destination-plans.js'
import { findIdentities } from './identities.js'
import type { Identities } from './identities.js'
import { KnownHostsFiles } from './known-hosts-files.js'
import { Semaphore } from './semaphore.js'
import { loadSsh2 } from './ssh2.js'
import type { Ssh2 } from './ssh2.js'

/** Connections that are being opened at once, whatever the number of hosts. */
const opening = 10
const maxJumps = 8
const backoff = { first: 500, most: 10_000 }

export interface Ssh2TransportOptions {
  readonly ssh: SshConfig
  readonly env: NodeJS.ProcessEnv
  /** The home directory of the user who runs deliver. */
  readonly home: string
  /** Told about things in the ssh config that have no effect here. */
  readonly reporter?: Pick<Reporter, 'event'>
  /** For the pauses between attempts. */
  readonly clock?: Pick<Clock, 'sleep'>
}

/** Connects to hosts with ssh2, as the user's ssh config says. */
export function createSsh2Transport(options: Ssh2TransportOptions): Transport {
  return new Ssh2Transport(options)
}

class Ssh2Transport implements Transport {
  readonly #around: Surroundings
  readonly #options: Ssh2TransportOptions
  readonly #knownHosts = new KnownHostsFiles()
  readonly #bastions = new Bastions()
  readonly #opening = new Semaphore(opening)
  readonly #identities = new Map<string, Promise<Identities>>()
  readonly #warned = new Set<string>()

  constructor(options: Ssh2TransportOptions) {
    const { ssh, env, home } = options
    this.#options = options
    this.#around = { ssh, env, home, localUser: localUser(env), files: new ConfigFiles(home) }
  }

  connect(host: Host, signal?: AbortSignal): Promise<Session> {
    const { name, address, port, user } = host
    const asked = {
      label: name,
      address,
      ...(port === undefined ? {} : { port }),
      ...(user === undefined ? {} : { user }),
    }
    return this.#connect(asked, host, [], signal)
  }

  close(): Promise<void> {
    return this.#bastions.close()
  }

  /** `trail`: the bastions that are being connected to because of this one, to notice circles. */
  async #connect(asked: Asked, host: Host, trail: readonly string[], signal?: AbortSignal): Promise<Session> {
    signal?.throwIfAborted()
    const { destination, warnings } = destinationOf(asked, this.#around)
    for (const text of warnings) this.#warn(text)
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
        if (!error.retry || failures >= this.#around.ssh.retries) throw tried(error.error, failures)
      }
      await this.#pause(failures, signal)
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

  /** Longer each time, and jittered: a fleet that was refused together must not come back together. */
  async #pause(failures: number, signal?: AbortSignal): Promise<void> {
    const ms = Math.min(backoff.most, backoff.first * 2 ** failures) * (0.5 + Math.random() / 2)
    if (this.#options.clock !== undefined) return this.#options.clock.sleep(ms, signal)
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      throw signal?.aborted === true ? signal.reason : error
    })
  }

  #warn(text: string): void {
    if (this.#warned.has(text)) return
    this.#warned.add(text)
    this.#options.reporter?.event({ type: 'warning', text })
  }
}

function tried(error: DeliverError, failures: number): DeliverError {
  if (failures === 0) return error
  const detail = error.fix === undefined ? { cause: error.cause } : { cause: error.cause, fix: error.fix }
  return new DeliverError(error.kind, `${error.message} (${failures + 1} attempts)`, detail)
}

/** The system may not know its user's name, as in a container that runs under any number. */
function localUser(env: NodeJS.ProcessEnv): string {
  const name = env['USER'] || env['LOGNAME']
  if (name) return name
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
