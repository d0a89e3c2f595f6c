import type { Load, Machine, Reading } from '../../src/ports.js'

export interface FakeLoad extends Load {
  /** One look of all who watch, a good while after the one before. */
  tell(reading: Partial<Reading>): Promise<void>
  readonly watchers: number
}

export const twoCores: Machine = { cores: 2, memory: 8 * 2 ** 30, openFiles: 20_000 }

/** A machine that is as busy as it is told to be. */
export function createFakeLoad(machine: Machine = twoCores): FakeLoad {
  const watching = new Set<{ look(reading: Reading): void }>()
  return {
    machine,
    watch(look) {
      const watcher = { look }
      watching.add(watcher)
      return () => void watching.delete(watcher)
    },
    async tell(reading) {
      for (const watcher of [...watching]) watcher.look({ busy: 0, used: 0, ...reading })
      await new Promise((resolve) => setImmediate(resolve))
    },
    get watchers() {
      return watching.size
    },
  }
}
