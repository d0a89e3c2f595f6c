import { describe, expect, test } from 'vitest'
import type { Load, Reading } from '../../src/ports.js'

/** `pass` lets the time of one look go by, where it doesn't by itself. */
export function describeLoad(name: string, create: () => { load: Load; pass: () => Promise<void> }): void {
  describe(`${name}: how busy this process is`, () => {
    /** The next reading, after which nobody watches. */
    async function readOnce({ load, pass }: ReturnType<typeof create>): Promise<Reading> {
      const reading = new Promise<Reading>((resolve) => {
        const stop = load.watch((seen) => {
          stop()
          stop()
          resolve(seen)
        })
      })
      await pass()
      return reading
    }

    test('the machine has something to give', () => {
      const { cores, memory, openFiles = 1 } = create().load.machine
      for (const amount of [cores, memory, openFiles]) expect(amount).toBeGreaterThan(0)
    })

    test('readings are parts of the time, and bytes', async () => {
      const { busy, used, free = 0 } = await readOnce(create())
      expect(busy).toBeGreaterThanOrEqual(0)
      expect(busy).toBeLessThanOrEqual(1)
      expect(used).toBeGreaterThanOrEqual(0)
      expect(free).toBeGreaterThanOrEqual(0)
    })

    test('nothing is told at once, nor to one who has stopped, whoever else watches', async () => {
      const each = create()
      let told = 0
      const stop = each.load.watch(() => told++)
      stop()
      await readOnce(each)
      expect(told).toBe(0)
    })
  })
}
