import { messageOf } from '../errors.js'
import type { ChangeLog, Drain, Host } from '../ports.js'
import type { HostState } from '../report/events.js'
import { hostState, type Run } from './run.js'

/** What takes hosts out of traffic, and where that is written down. */
export interface Drainage {
  readonly drain: Drain
  readonly changes: ChangeLog
}

/** Keeps account of the hosts that this run took out of traffic, so that every one of them is brought back. */
export class Traffic {
  readonly #run: Run
  readonly #drainage: Drainage | undefined
  readonly #out = new Map<string, Host>()

  constructor(run: Run, drainage: Drainage | undefined) {
    this.#run = run
    this.#drainage = drainage
  }

  /** Whether hosts are taken out at all. */
  get drains(): boolean {
    return this.#drainage !== undefined
  }

  /** Names of the hosts that are out of traffic, or may be. */
  get out(): readonly string[] {
    return [...this.#out.keys()]
  }

  /** Undefined when no traffic reaches the hosts any more, else why that is not sure. */
  async takeOut(hosts: readonly Host[]): Promise<string | undefined> {
    if (this.#drainage === undefined) return undefined
    const { drain, changes } = this.#drainage
    for (const host of hosts) this.#out.set(host.name, host)
    this.#tell('out of traffic', 'draining', drain, hosts)
    try {
      await drain.takeOut(hosts, changes, AbortSignal.any([this.#run.stop, this.#run.lost]))
      return undefined
    } catch (error) {
      return messageOf(error)
    }
  }

  /** Resolves to why hosts could not be brought back, by name. Those that were never taken out are left alone. */
  async bringBack(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const hosts = names.flatMap((name) => this.#out.get(name) ?? [])
    if (this.#drainage === undefined || hosts.length === 0) return new Map()
    this.#tell('back into traffic', 'rejoining', this.#drainage.drain, hosts)
    const together = await this.#tryBack(hosts)
    if (typeof together !== 'string') return together
    if (hosts.length === 1) return new Map(hosts.map(({ name }) => [name, together]))
    // Which of them was refused is only known when each is asked for alone; those that are back already cost nothing.
    const failed = new Map<string, string>()
    for (const host of hosts) {
      const alone = await this.#tryBack([host])
      if (typeof alone === 'string') failed.set(host.name, alone)
      else for (const [name, because] of alone) failed.set(name, because)
    }
    return failed
  }

  /** Resolves to why hosts are not back, by name; to one reason when the cloud refused. */
  async #tryBack(hosts: readonly Host[]): Promise<ReadonlyMap<string, string> | string> {
    if (this.#drainage === undefined) return new Map()
    // Without the lock nothing may be changed: the next run reads from the lock what it has to restore.
    if (this.#run.lost.aborted) return 'the deploy lost its lock'
    const { drain, changes } = this.#drainage
    const why = (because: string): string => `still out of traffic (${drain.name}): ${because}`
    try {
      const late = await drain.bringBack(hosts, changes, this.#run.lost)
      // Those that are late have been let back in, and waited for. Whoever touches them again takes them out anew: they may
      // have become healthy since.
      for (const { name } of hosts) this.#out.delete(name)
      return new Map([...late].map(([name, because]) => [name, why(because)]))
    } catch (error) {
      return why(messageOf(error))
    }
  }

  #tell(what: string, state: HostState, drain: Drain, hosts: readonly Host[]): void {
    const names = hosts.map(({ name }) => name).join(', ')
    this.#run.reporter.event({ type: 'note', text: `${what} (${drain.name}): ${names}` })
    for (const { name } of hosts) hostState(this.#run, name, state, drain.name)
  }
}
