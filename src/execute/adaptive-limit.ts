import type { Machine, Reading } from '../ports.js'

/** How many hosts are worked on at once where the config leaves it to us: from what was seen, the next limit. */

/** Never fewer: less than this saves nothing, and time limits of a whole rollout are worked out with it. */
const least = 8
/** Never more: further hosts at once gain little, and each costs memory, files and a part of the line. */
const most = 256
/** Where it starts, for each core; one thread does most of the work, so many cores don't help further. */
const eachCore = 10
const startMost = 64

const MiB = 2 ** 20
/** Memory that the first ones are given each, so that a small machine starts low. */
const eachMemory = 32 * MiB
/** Files that a host may take: its socket, what is sent, pipes of a program. The rest is our own. */
const eachFiles = 4
const ownFiles = 64

/** The part of the time in which this process computes; above the first it is busy, above the second nothing else fits in. */
const busy = 0.6
const overloaded = 0.95
/** Ours of the memory that we may use; free memory of the machine, in bytes. */
const tight = { used: 1 / 2, free: 256 * MiB }
const short = { used: 3 / 4, free: 128 * MiB }
/** Looks in a row: a manifest that is read, or the first handshakes, fill one. */
const patience = 2

export interface AdaptiveLimit {
  readonly limit: number
  /** Looks in a row at which there was too much to do. */
  readonly strained: number
}

/** Hosts that are surely worked on at once, as long as there are as many. */
export function leastOf(concurrency: number | 'auto'): number {
  return concurrency === 'auto' ? least : concurrency
}

export function mostOf({ openFiles = Infinity }: Machine): number {
  return within(Math.floor((openFiles - ownFiles) / eachFiles), most)
}

export function firstLimit(machine: Machine): AdaptiveLimit {
  const wanted = Math.min(machine.cores * eachCore, Math.floor(machine.memory / eachMemory), startMost)
  return { limit: within(wanted, mostOf(machine)), strained: 0 }
}

/**
 * The limit after a look, made while work waited for a turn. `running` is how many had one: more than the limit, where it has been
 * lowered since they began.
 */
export function nextLimit(
  before: AdaptiveLimit,
  reading: Reading & { readonly running: number },
  machine: Machine,
): AdaptiveLimit {
  const upper = mostOf(machine)
  const limit = within(before.limit, upper)
  const strained = before.strained + 1
  // What runs goes on and gives its memory back when it ends.
  if (lacksMemory(reading, machine, short)) return { limit: least, strained: 0 }
  if (reading.busy >= overloaded) {
    if (strained < patience) return { limit, strained }
    // A lower limit is given the time to show, which it does when those above it have ended.
    const lower = reading.running > limit ? limit : Math.floor((limit * 3) / 4)
    return { limit: within(lower, upper), strained: 0 }
  }
  if (reading.busy >= busy || lacksMemory(reading, machine, tight)) return { limit, strained: 0 }
  return { limit: within(limit + Math.ceil(limit / 2), upper), strained: 0 }
}

function lacksMemory({ used, free = Infinity }: Reading, { memory }: Machine, than: typeof tight): boolean {
  return used >= memory * than.used || free <= than.free
}

function within(limit: number, upper: number): number {
  return Math.max(least, Math.min(upper, limit))
}
