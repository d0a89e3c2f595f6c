import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceConfig } from '../../src/config/types.js'
import { DeliverError } from '../../src/errors.js'
import type { Host, Transport } from '../../src/ports.js'
import { createIdleClock, type IdleClock } from './idle-clock.js'
import { LocalSession, type Fault, type FaultKind } from './local-session.js'

/** Each restart is a line of a file; a release whose `cannot-start-<release>` is there doesn't start. */
export const restartCommand =
  'echo "$DELIVER_RELEASE" >>"$DELIVER_PATH/restarts"; test ! -e "$DELIVER_PATH/cannot-start-$DELIVER_RELEASE"'
/** A release is ill on a host where `sick-<release>` is. */
export const healthCommand = 'test ! -e "$DELIVER_PATH/sick-$DELIVER_RELEASE"'

export const localService: ServiceConfig = {
  manager: { kind: 'command', restart: restartCommand, stop: 'echo stop >>restarts' },
  timeout: 20_000,
}

/** A directory that the real agent takes for a host, and what tests do to it. */
export class LocalHost {
  readonly host: Host
  /** target.path is `app` in it. */
  readonly home: string
  /** The agent's verbs that reached us, in order. */
  readonly calls: string[] = []
  readonly #faults: Fault[] = []
  readonly #held: (() => Promise<unknown>)[] = []
  #refusals = 0
  #down = false
  connects = 0

  constructor(name: string, home: string) {
    this.host = { name, address: `${name}.test`, labels: {} }
    this.home = home
    mkdirSync(home)
  }

  get path(): string {
    return join(this.home, 'app')
  }

  /** The release that `current` names. */
  get runs(): string | undefined {
    try {
      return readlinkSync(join(this.path, 'current')).replace(/^releases\//, '')
    } catch {
      return undefined
    }
  }

  /** The releases that were started, in order, since the last call. */
  restarts(): readonly string[] {
    const file = join(this.path, 'restarts')
    if (!existsSync(file)) return []
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    rmSync(file)
    return lines
  }

  /** The agent's own record: what is on trial, confirmed, good and bad. */
  get state(): string {
    const file = join(this.path, '.deliver', 'state')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  put(name: string, text = ''): void {
    mkdirSync(this.path, { recursive: true })
    writeFileSync(join(this.path, name), text)
  }

  remove(name: string): void {
    rmSync(join(this.path, name), { recursive: true, force: true })
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name))
  }

  countOf(verb: string): number {
    return this.calls.filter((each) => each === verb).length
  }

  /** The next call of that verb fails like this; further faults of one verb wait for their turn. */
  fail(...faults: readonly Fault[]): void {
    this.#faults.push(...faults)
  }

  hold(call: () => Promise<unknown>): void {
    this.#held.push(call)
  }

  /** Now the host hears what came late, the first `most` calls of it; resolves to how many these were, when they have ended. */
  async hearLate(most = Infinity): Promise<number> {
    const held = this.#held.splice(0, most)
    for (const call of held) await call()
    return held.length
  }

  refuse(connects: number): void {
    this.#refusals = connects
  }

  down(): void {
    this.#down = true
  }

  up(): void {
    this.#down = false
  }

  get reachable(): boolean {
    return !this.#down
  }

  /** For the transport. */
  connect(): void {
    this.connects++
    if (this.#down || this.#refusals-- > 0)
      throw new DeliverError('failed', `${this.host.name}: connection refused`, { transient: true })
  }

  begin(verb: string): FaultKind | undefined {
    this.calls.push(verb)
    const at = this.#faults.findIndex((fault) => fault.verb === undefined || fault.verb === verb)
    return at < 0 ? undefined : this.#faults.splice(at, 1)[0]?.kind
  }
}

export interface LocalHosts {
  readonly clock: IdleClock
  readonly transport: Transport
  /** All that were made, in order. */
  readonly all: readonly LocalHost[]
  host(name: string): LocalHost
  add(name: string): LocalHost
  /** Resolves when no command runs on any host. */
  quiet(): Promise<void>
  close(): Promise<void>
}

/** Hosts on this machine without SSH: every call runs the real agent by a real shell, unless a fault is due. */
export function createLocalHosts(...names: readonly string[]): LocalHosts {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'deliver-hosts-')))
  const hosts = new Map<string, LocalHost>()
  let working = 0
  const clock = createIdleClock(() => working > 0)
  const add = (name: string): LocalHost => {
    const host = new LocalHost(name, join(directory, name))
    hosts.set(name, host)
    return host
  }
  const find = (name: string): LocalHost => {
    const host = hosts.get(name)
    if (host === undefined) throw new Error(`there is no host ${name}`)
    return host
  }
  for (const name of names) add(name)
  const quiet = async (): Promise<void> => {
    while (working > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return {
    clock,
    transport: {
      connect: async (host) => {
        const local = find(host.name)
        local.connect()
        return new LocalSession(host, {
          home: local.home,
          begin: (verb) => local.begin(verb),
          hold: (call) => local.hold(call),
          hearLate: (most) => local.hearLate(most),
          get reachable() {
            return local.reachable
          },
          sleep: (ms) => clock.sleep(ms),
          working: (by) => void (working += by),
        })
      },
      close: () => Promise.resolve(),
    },
    get all() {
      return [...hosts.values()]
    },
    host: find,
    add,
    quiet,
    close: async () => {
      await quiet()
      clock.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
