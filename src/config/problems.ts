import type { z } from './fields.js'
import { keysAt } from './keys.js'
import { nearest } from '../nearest.js'
import { shown } from './values.js'

/** One thing that is wrong with a config: where, what, and what would be right. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly text: string
}

type Issue = z.core.$ZodIssue

/** The schema's findings in words. `value` is what was checked; it tells a missing key from a wrong one. */
export function problemsOf(issues: readonly Issue[], value: unknown): readonly Problem[] {
  return issues.flatMap((issue) => problemOf(issue, value, []))
}

/** `fleet.hosts[0].port` */
export function formatPath(path: readonly (string | number)[]): string {
  const parts = path.map((part) =>
    typeof part === 'number'
      ? `[${part}]`
      : /^[A-Za-z_$][\w$-]*$/.test(part)
        ? `.${part}`
        : `[${shown(part)}]`,
  )
  return parts.length === 0 ? 'config' : parts.join('').replace(/^\./, '')
}

function problemOf(issue: Issue, value: unknown, above: readonly (string | number)[]): readonly Problem[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))]
  const found = valueAt(value, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], text: unknownKey(key, path, issue.message) }))
    case 'invalid_type':
      return [{ path, text: wrongType(issue, found) }]
    case 'invalid_value':
      return [{ path, text: wrongChoice(issue.values.map(String), found) }]
    case 'invalid_key':
      return issue.issues.flatMap((inner) => problemOf(inner, value, path))
    case 'invalid_union':
      return ofUnion(issue, value, path)
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return [{ path, text: issue.message }]
  }
}

/** `own`: what the object itself says, where its keys are not described one by one. */
function unknownKey(key: string, path: readonly (string | number)[], own: string): string {
  const known = keysAt(path)
  if (known.length === 0) return own
  const meant = nearest(key, known)
  return meant === undefined
    ? `unknown key. Known here: ${known.join(', ')}`
    : `unknown key. Did you mean "${meant}"?`
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function wrongType(issue: Extract<Issue, { code: 'invalid_type' }>, found: unknown): string {
  // A field's own message, e.g. that a number lacks its unit.
  if (!issue.message.startsWith('Invalid input')) return issue.message
  const expected = words[issue.expected] ?? issue.expected
  if (found === undefined) return `is missing. Write ${expected}`
  const fix = issue.expected === 'string' && ['number', 'boolean'].includes(typeof found) ? ', in quotes' : ''
  return `is ${kindOf(found)}. Write ${expected}${fix}`
}

function wrongChoice(choices: readonly string[], found: unknown): string {
  const list = choices.join(', ')
  if (typeof found !== 'string')
    return found === undefined
      ? `is missing. Write one of ${list}`
      : `is ${kindOf(found)}. Write one of ${list}`
  const meant = nearest(found, choices)
  return meant === undefined
    ? `${shown(found)} is not a choice. Write one of ${list}`
    : `${shown(found)} is not a choice. Did you mean "${meant}"?`
}

/** Of the ways to write a value, only those that fit its kind (text, list, object) can tell what is wrong with it. */
function ofUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  value: unknown,
  path: readonly (string | number)[],
): readonly Problem[] {
  const ofAnotherKind = (inner: Issue) =>
    inner.path.length === 0 &&
    (inner.code === 'invalid_type' || inner.code === 'invalid_value' || inner.message === 'Invalid input')
  const found = valueAt(value, path)
  const fitting = issue.errors.find((branch) => branch.length > 0 && !branch.some(ofAnotherKind))
  if (fitting !== undefined && found !== undefined)
    return fitting.flatMap((inner) => problemOf(inner, value, path))
  const choices = issue.errors.flat().flatMap((inner) => (inner.code === 'invalid_value' ? inner.values : []))
  const named = choices.filter((choice) => typeof choice === 'string')
  const numbers = issue.errors
    .flat()
    .some((inner) => inner.code === 'invalid_type' && inner.expected === 'number')
  const choice = [...named, ...(numbers ? ['a number'] : [])]
  if (typeof found === 'string' && named.length > 0) return [{ path, text: wrongChoice(choice, found) }]
  const expected = issue.errors.flatMap((branch) => branch.flatMap(expectation))
  const state = found === undefined ? 'is missing' : `is ${kindOf(found)}`
  return [{ path, text: `${state}. Write ${[...new Set(expected)].join(' or ')}` }]
}

function expectation(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_type') return [words[issue.expected] ?? issue.expected]
  if (issue.code === 'invalid_value') return issue.values.map(String)
  if (issue.code !== 'custom') return []
  return [issue.message === 'Invalid input' ? 'a function' : 'an object']
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return value instanceof Date ? 'a date' : 'an object'
  return (
    { string: 'text', number: 'a number', boolean: 'true or false', function: 'a function' }[
      String(typeof value)
    ] ?? typeof value
  )
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let current = value
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined
    current = new Map<string, unknown>(Object.entries(current)).get(String(part))
  }
  return current
}
