import { isPlain } from './plain.js'
import type { Plain } from './plain.js'
import { alternatives, shortForms } from './schema.js'

/**
 * Lays one part of a config over another: objects are merged key by key, lists and single values replaced. Where keys exclude
 * each other (`service`, `health`), a part that names another kind drops the kind that was there.
 */
export function merge(base: unknown, over: unknown, path: readonly string[] = []): unknown {
  const short = shortForms[path.join('.')]
  if (short !== undefined && isPlain(over) && !isPlain(base) && base !== undefined) {
    return merge({ [short]: base }, over, path)
  }
  if (!isPlain(base) || !isPlain(over)) return over
  const merged: Record<string, unknown> = withoutOtherKinds(base, over, path)
  for (const [key, value] of Object.entries(over)) {
    merged[key] = Object.hasOwn(merged, key) ? merge(merged[key], value, [...path, key]) : value
  }
  return merged
}

function withoutOtherKinds(base: Plain, over: Plain, path: readonly string[]): Record<string, unknown> {
  const kinds = alternatives[path.join('.')] ?? []
  const named = kinds.filter((keys) => keys.some((key) => Object.hasOwn(over, key)))
  const dropped = named.length === 0 ? [] : kinds.filter((keys) => !named.includes(keys)).flat()
  return Object.fromEntries(Object.entries(base).filter(([key]) => !dropped.includes(key)))
}
