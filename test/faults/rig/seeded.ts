/** Numbers that look random and come again with the same seed (mulberry32). */
export interface Seeded {
  /** From 0 up to, and without, 1. */
  next(): number
  /** A whole number below `limit`. */
  below(limit: number): number
  pick<const T>(from: readonly [T, ...T[]]): T
}

export function seeded(seed: number): Seeded {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return { next, below, pick: (from) => from[below(from.length)] ?? from[0] }
}
