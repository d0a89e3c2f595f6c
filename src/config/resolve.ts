import { isPlain } from './plain.js'
import type { Plain } from './plain.js'
import { merge } from './merge.js'
import { nearest } from '../nearest.js'
import { asConfig } from './overrides.js'
import type { Override } from './overrides.js'
import { problemsOf } from './problems.js'
import type { Problem } from './problems.js'
import { configSchema } from './schema.js'
import type { Config } from './types.js'
import { shown } from './values.js'

export interface ResolveInput {
  /** What the file exports, as plain data. */
  readonly exported: unknown
  /** The environment that the caller asked for, if any. */
  readonly environment: string | undefined
  readonly overrides: readonly Override[]
}

export interface Resolved {
  /** Undefined when there are problems. */
  readonly config: Omit<Config, 'directory'> | undefined
  readonly problems: readonly Problem[]
}

/**
 * The config of one environment. The others are checked too, so that a slip in one shows before the day it is needed;
 * overrides apply to the chosen one only.
 */
export function resolveConfig({ exported, environment, overrides }: ResolveInput): Resolved {
  if (!isPlain(exported)) {
    return failed([{ path: [], text: 'is no object. Write: export default defineConfig({ app: ... })' }])
  }
  const environments = isPlain(exported['environments']) ? exported['environments'] : {}
  const choice = choose(exported, environments, environment)
  if (typeof choice !== 'string') return failed([choice])

  const others = Object.keys(environments).filter((name) => name !== choice)
  const otherProblems = others.flatMap((name) => check(exported, environments, name, []).problems)
  const chosen = check(exported, environments, choice, overrides)
  const problems = distinct([...chosen.problems, ...otherProblems])
  if (chosen.value === undefined || problems.length > 0) return failed(problems)
  return { config: { ...chosen.value, environment: choice }, problems: [] }
}

/** What is wrong with the base is wrong in every environment, and told once. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]
}

function failed(problems: readonly Problem[]): Resolved {
  return { config: undefined, problems }
}

/** The environments that `-e` may name, of what a file exports. */
export function environmentsOf(exported: unknown): readonly string[] {
  if (!isPlain(exported)) return []
  const environments = isPlain(exported['environments']) ? exported['environments'] : {}
  return knownIn(exported, environments)
}

function knownIn(exported: Plain, environments: Plain): readonly string[] {
  const known = Object.keys(environments)
  return [...new Set([...known, known.length === 0 ? fallbackOf(exported) : 'production'])]
}

function fallbackOf(exported: Plain): string {
  return typeof exported['environment'] === 'string' ? exported['environment'] : 'production'
}

/** The base config stands for `production` (or for what `environment` names) where there are no such differences. */
function choose(exported: Plain, environments: Plain, asked: string | undefined): string | Problem {
  const fallback = fallbackOf(exported)
  const name = asked ?? fallback
  const known = Object.keys(environments)
  const isBase = name === 'production' || (name === fallback && known.length === 0)
  if (Object.hasOwn(environments, name) || isBase) return name
  const list = knownIn(exported, environments)
  const meant = nearest(name, list)
  const hint = meant === undefined ? '' : `. Did you mean "${meant}"?`
  return {
    path: ['environments'],
    text: `there is no environment ${shown(name)}${hint || '.'} Known are: ${list.join(', ')}`,
  }
}

function check(exported: Plain, environments: Plain, name: string, overrides: readonly Override[]) {
  const overlay = Object.hasOwn(environments, name) ? environments[name] : {}
  const nested = isPlain(overlay)
    ? ['environment', 'environments'].filter((key) => Object.hasOwn(overlay, key))
    : []
  if (nested.length > 0) {
    const text = 'is a key of the whole config. Move it out of this environment'
    return { value: undefined, problems: nested.map((key) => ({ path: ['environments', name, key], text })) }
  }
  let merged: unknown = isPlain(overlay) ? merge(exported, overlay) : exported
  for (const override of overrides) merged = merge(merged, asConfig(override))
  const read = configSchema.safeParse(merged)
  if (read.success) {
    const config: Omit<typeof read.data, 'environments'> & { environments?: unknown } = { ...read.data }
    delete config.environments
    return { value: config, problems: [] }
  }
  const problems = problemsOf(read.error.issues, merged).map((problem) =>
    blame(problem, name, overlay, overrides),
  )
  return { value: undefined, problems }
}

/** Names the place that a wrong value came from: a variable, the command line, an environment or the base config. */
function blame(problem: Problem, name: string, overlay: unknown, overrides: readonly Override[]): Problem {
  const override = overrides.findLast(({ path }) => path.every((part, at) => part === problem.path[at]))
  if (override !== undefined) {
    return { path: problem.path, text: `${problem.text} (from ${override.source})` }
  }
  return reaches(overlay, problem.path)
    ? { ...problem, path: ['environments', name, ...problem.path] }
    : problem
}

/** Whether the part holds the place, or the object in which something is missing. */
function reaches(part: unknown, path: readonly (string | number)[]): boolean {
  let current = part
  for (const [index, key] of path.entries()) {
    const next: unknown = Array.isArray(current)
      ? current[Number(key)]
      : isPlain(current) && Object.hasOwn(current, key)
        ? current[key]
        : undefined
    if (next === undefined) return index > 1 && index === path.length - 1
    current = next
  }
  return path.length > 0
}
