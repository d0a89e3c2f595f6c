import type { DeliverEvent } from './events.js'

type Progress = Extract<DeliverEvent, { type: 'progress' }>

/** Milliseconds between two lines about one transfer. */
const quietTime = 3000

/** What a step must have gained to be worth a line. */
const worthALine = 0.1

/**
 * Tells which progress events deserve a line: a transfer that ends soon gives none, a long one a line at most every few
 * seconds and every 10 %, and its end.
 */
export function progressFilter(): (event: Progress, now: number) => boolean {
  const running = new Map<string, { at: number; share: number; shown: boolean }>()
  return (event, now) => {
    const key = JSON.stringify([event.host, event.step])
    const share = event.total > 0 ? Math.min(1, event.done / event.total) : 1
    const last = running.get(key)
    if (share >= 1) {
      running.delete(key)
      return last?.shown === true
    }
    // A smaller share than before: the step began again.
    if (last === undefined || share < last.share) {
      running.set(key, { at: now, share, shown: false })
      return false
    }
    if (now - last.at < quietTime || share - last.share < worthALine) return false
    running.set(key, { at: now, share, shown: true })
    return true
  }
}
