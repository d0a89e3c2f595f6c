import { DeliverError } from '../../src/errors.js'
import type { ChangeLog, Drain, Host } from '../../src/ports.js'

export interface MemoryChangeLog extends ChangeLog {
  readonly entries: readonly string[]
}

export function createMemoryChangeLog(): MemoryChangeLog {
  const entries = new Set<string>()
  return {
    get entries() {
      return [...entries]
    },
    add: async (added) => {
      for (const entry of added) entries.add(entry)
    },
    remove: async (removed) => {
      for (const entry of removed) entries.delete(entry)
    },
  }
}

/** A load balancer in memory. Each host is an entry `out <name>` of the change log while it is out. */
export class FakeDrain implements Drain {
  readonly name = 'a load balancer'
  /** Hosts that no traffic reaches. */
  readonly out = new Set<string>()
  /** `out web1,web2` and `back web1`, in order. */
  readonly calls: string[] = []
  /** Hosts that can't be taken out, brought back. */
  readonly stuckIn = new Set<string>()
  readonly stuckOut = new Set<string>()
  /** Hosts that are let back in, and do not become healthy in time. */
  readonly ill = new Set<string>()

  async takeOut(hosts: readonly Host[], changes: ChangeLog, signal?: AbortSignal): Promise<void> {
    const names = hosts.map(({ name }) => name)
    if (names.length === 0) return
    this.calls.push(`out ${names.join()}`)
    await changes.add(names.map((name) => `out ${name}`))
    for (const name of names) {
      if (this.stuckIn.has(name)) throw new DeliverError('failed', `${name} is held by somebody else`)
      this.out.add(name)
    }
    signal?.throwIfAborted()
  }

  async bringBack(hosts: readonly Host[], changes: ChangeLog): Promise<ReadonlyMap<string, string>> {
    const names = hosts.map(({ name }) => name)
    this.calls.push(`back ${names.join()}`)
    for (const name of names) {
      if (this.stuckOut.has(name)) throw new DeliverError('failed', `${name} was not in service after 10m`)
      this.out.delete(name)
      if (!this.ill.has(name)) await changes.remove([`out ${name}`])
    }
    return new Map(
      names.filter((name) => this.ill.has(name)).map((name) => [name, 'it is unhealthy after 10m']),
    )
  }

  async restore(entries: readonly string[]): ReturnType<Drain['restore']> {
    return entries.flatMap((entry) => {
      const name = entry.replace(/^out /, '')
      if (this.stuckOut.has(name)) return [{ entry, because: 'no permission' }]
      this.out.delete(name)
      return []
    })
  }
}
