import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Removes a directory in which a process of a host may still be writing. Node's own retries don't look again at what is in it, and so never
 * get rid of what came meanwhile.
 */
export async function removeAll(path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      rmSync(path, { recursive: true, force: true })
      return
    } catch (error) {
      if (attempt === 100) throw error
      await sleep(50)
    }
  }
}
