import type { ChangeLog } from '../../src/ports.js'

export interface MemoryChangeLog extends ChangeLog {
  readonly entries: string[]
}

/** What a lease would hold. Taking back what isn't there is an error in the tested code. */
export function createMemoryChangeLog(): MemoryChangeLog {
  const entries: string[] = []
  return {
    entries,
    async add(added) {
      await Promise.resolve()
      entries.push(...added)
    },
    async remove(removed) {
      await Promise.resolve()
      for (const entry of removed) {
        const at = entries.indexOf(entry)
        if (at === -1) throw new Error(`${entry} is not in the log`)
        entries.splice(at, 1)
      }
    },
  }
}
