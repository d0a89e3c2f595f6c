import pLimit from 'p-limit'
import type { LimitFunction } from 'p-limit'
import type { Load, Reading } from '../ports.js'
import { firstLimit, nextLimit } from './adaptive-limit.js'

/** Runs what it is given, so many at once; the rest waits for its turn, in order. */
export type Slots = <R>(work: () => Promise<R>) => Promise<R>

/** The limit of hosts that are worked on at once. What one use has learnt of this machine counts for all others. */
export interface Turns {
  /** Turns of their own, so that work that has one may give out others without waiting for itself. */
  slots(): Slots
  /** Turns for hosts, and for programs on this machine. They are the same ones where the limit is a number. */
  slotsOfBoth(): { readonly hosts: Slots; readonly here: Slots }
}

/** Runs `work` for every item, as many at once as there are turns, and gives the results in the order of the items. */
export async function inParallel<T, R>(
  turns: Turns,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const slots = turns.slots()
  return Promise.all(items.map((item) => slots(() => work(item))))
}

/** As many as the config says, whatever the machine does. */
export function fixedTurns(limit: number): Turns {
  return {
    slots: () => fixedSlots(limit),
    slotsOfBoth() {
      const slots = fixedSlots(limit)
      return { hosts: slots, here: slots }
    },
  }
}

function fixedSlots(limit: number): Slots {
  const limited = pLimit(limit)
  return (work) => limited(work)
}

/** More while this process has little to do, fewer when it has too much. It is looked at only while work waits. */
export function adaptiveTurns(load: Load): Turns {
  const { machine } = load
  const start = firstLimit(machine)
  let state = start
  const waiting = new Set<LimitFunction>()
  let stop: (() => void) | undefined

  function look(reading: Reading): void {
    const running = Math.max(...[...waiting].map(({ activeCount }) => activeCount))
    state = nextLimit(state, { ...reading, running }, machine)
    for (const limited of waiting) limited.concurrency = state.limit
  }

  /** Called whenever work came or has begun: nothing is watched when nothing waits. */
  function follow(limited: LimitFunction): void {
    if (limited.pendingCount > 0) waiting.add(limited)
    else waiting.delete(limited)
    if (waiting.size > 0) {
      stop ??= load.watch(look)
      return
    }
    stop?.()
    stop = undefined
  }

  function slots(): Slots {
    const limited = pLimit(state.limit)
    return (work) => {
      limited.concurrency = state.limit
      const result = limited(() => {
        follow(limited)
        return work()
      })
      follow(limited)
      return result
    }
  }

  // How busy other programs are is not seen, so that many more of them would be begun than the machine can bear.
  return { slots, slotsOfBoth: () => ({ hosts: slots(), here: fixedSlots(start.limit) }) }
}
