import type { Problem } from './problems.js'

/** Data as it comes out of a config file, copied into objects of our own. */
export type Plain = Readonly<Record<string, unknown>>

const pollution = new Set(['__proto__', 'constructor', 'prototype'])

/** YAML anchors can make a small file a huge tree; no config comes near this. */
const mostValues = 100_000

export function isPlain(value: unknown): value is Plain {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Evaluated configs may come from another realm, whose Object.prototype isn't ours but is as bare.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * A copy that shares nothing with the file's objects: keys that are undefined are left out, keys that could reach a prototype are
 * refused, and so are cycles.
 */
export function plainCopy(value: unknown): {
  readonly value: unknown
  readonly problems: readonly Problem[]
} {
  const problems: Problem[] = []
  let values = 0

  function copy(source: unknown, path: readonly (string | number)[], above: ReadonlySet<unknown>): unknown {
    values += 1
    if (values === mostValues)
      problems.push({ path, text: 'is too large for a config. Remove what repeats itself' })
    if (values >= mostValues) return undefined
    if (!Array.isArray(source) && !isPlain(source)) return source
    if (above.has(source)) {
      problems.push({ path, text: 'contains itself. Write the values out' })
      return undefined
    }
    const inside = new Set(above).add(source)
    if (Array.isArray(source)) return source.map((item, index) => copy(item, [...path, index], inside))
    const copied: Record<string, unknown> = {}
    for (const [key, child] of Object.entries(source)) {
      if (pollution.has(key))
        problems.push({ path: [...path, key], text: 'is not allowed as a key. Remove it' })
      else if (child !== undefined) copied[key] = copy(child, [...path, key], inside)
    }
    return copied
  }

  return { value: copy(value, [], new Set()), problems }
}
