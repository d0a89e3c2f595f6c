/** Single facts of an answer, checked. */
import type { Fact } from './answers.js'

/** A fact isn't what it should be. */
export class Malformed extends Error {}

export function first(facts: readonly Fact[], key: string): string | undefined {
  return facts.find(([name]) => name === key)?.[1]
}

export function all(facts: readonly Fact[], key: string): readonly string[] {
  return facts.filter(([name]) => name === key).map(([, value]) => value)
}

export function need(facts: readonly Fact[], key: string): string {
  const value = first(facts, key)
  if (value === undefined || value === '') throw new Malformed(`no ${key}`)
  return value
}

/** The fact's value; undefined when the host didn't tell it, or told that it doesn't know. */
export function known<T>(facts: readonly Fact[], key: string, parse: (value: string) => T): T | undefined {
  const value = first(facts, key)
  return value === undefined || value === '' || value === 'unknown' || value === '-'
    ? undefined
    : parse(value)
}

/** An object with that one property, or without it. */
export function given<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  const empty: { [P in K]?: T } = {}
  if (value !== undefined) empty[key] = value
  return empty
}

export function number(value: string): number {
  const parsed = Number(value)
  if (!/^\d{1,16}$/.test(value) || !Number.isSafeInteger(parsed))
    throw new Malformed(`"${value}" is not a number`)
  return parsed
}

/** A release's name or an id: what is safe as one word, one file name and one line. */
export function name(value: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(value))
    throw new Malformed(`"${value}" is not a release's name`)
  return value
}

export function digest(value: string): string {
  if (!/^[0-9a-f]{64}$/.test(value)) throw new Malformed(`"${value}" is not a sha256`)
  return value
}

export function oneOf<T extends string>(value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value)
  if (found === undefined) throw new Malformed(`"${value}" is none of ${allowed.join(', ')}`)
  return found
}
