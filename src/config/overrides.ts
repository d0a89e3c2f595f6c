import { allKeys } from './keys.js'
import type { Accepts, Key } from './keys.js'
import { nearest } from '../nearest.js'
import type { Problem } from './problems.js'

/** A value for one run that comes from a `DELIVER_*` variable or from the command line. */
export interface Override {
  readonly path: readonly string[]
  readonly value: unknown
  /** Where it was given, for errors: `DELIVER_ROLLOUT_BATCH`, `command line`. */
  readonly source: string
}

export interface Overrides {
  /** In the order in which they apply. */
  readonly overrides: readonly Override[]
  readonly problems: readonly Problem[]
}

/** Set by people for the command line, not for the config. */
const selecting = ['ENV', 'CONFIG', 'HOSTS']

/**
 * Set by deliver for what it runs; a deliver started by a hook or notification must not read them as config. The config keys of these names
 * (`app`, `environment`) can't be overridden by variables.
 */
export const reservedVariables: readonly string[] = [
  ...selecting,
  'APP',
  'ENVIRONMENT',
  'RELEASE',
  'PREVIOUS',
  'COMMIT',
  'OUTCOME',
  'BECAUSE',
  'BATCH',
  'BATCHES',
  'COMMAND',
  'PATH',
  'HOOK',
  'EVENT',
  'TEXT',
  'BY',
  'JOB',
  'JOB_URL',
  'CODE',
]

/** Reserved for what a hook starts; elsewhere it is a slip of somebody who means DELIVER_HOSTS. */
const reservedInHooks = 'HOST'

const prefix = 'DELIVER_'

/** Reads `DELIVER_ROLLOUT_BATCH=2` and the like. An empty variable counts as not set. */
export function fromVariables(env: NodeJS.ProcessEnv): Overrides {
  const known = new Map(overridable().map((key) => [variableOf(key.path), key]))
  const overrides: Override[] = []
  const problems: Problem[] = []
  const inHook = (env[`${prefix}HOOK`] ?? '') !== ''
  const isReserved = (name: string): boolean =>
    reservedVariables.includes(name) || (inHook && name === reservedInHooks)
  for (const [variable, text] of Object.entries(env)) {
    const name = variable.startsWith(prefix) ? variable.slice(prefix.length) : ''
    if (name === '' || text === undefined || text === '' || isReserved(name)) continue
    const target = keyFor(name, known)
    if (target !== undefined) {
      overrides.push({ path: target.path, value: valueOf(text, target.key), source: variable })
      continue
    }
    const meant = nearest(name, [...known.keys(), ...selecting])
    if (meant === undefined) continue
    problems.push({
      path: [variable],
      text: `no key of the config. Did you mean ${prefix}${meant}? Otherwise unset it`,
    })
  }
  return { overrides, problems }
}

/** Reads values of the command line by the path of their key, e.g. `{ 'rollout.batch': '2' }`. */
export function fromFlags(flags: Readonly<Record<string, string>>): Overrides {
  const known = new Map(overridable().map((key) => [key.path.join('.'), key]))
  const overrides: Override[] = []
  const problems: Problem[] = []
  for (const [path, text] of Object.entries(flags)) {
    const key = known.get(path) ?? recordOf(path, known)
    if (key === undefined) {
      const meant = nearest(path, known.keys())
      const fix = meant === undefined ? 'See docs/configuration.md for the keys' : `Did you mean "${meant}"?`
      problems.push({ path: path.split('.'), text: `unknown key on the command line. ${fix}` })
      continue
    }
    overrides.push({ path: path.split('.'), value: valueOf(text, key), source: 'command line' })
  }
  return { overrides, problems }
}

/** Overrides as a part of a config that can be laid over the rest. */
export function asConfig(override: Override): unknown {
  return override.path.reduceRight<unknown>((inside, key) => ({ [key]: inside }), override.value)
}

/** The variable that sets a key; undefined: there is none. */
export function variableFor(key: Key): string | undefined {
  const name = variableOf(key.path)
  if (reservedVariables.includes(name) || !isOverridable(key)) return undefined
  return `${prefix}${name}${key.accepts.has('record') ? '_<NAME>' : ''}`
}

/** `rollout.onFailure` is `ROLLOUT_ON_FAILURE`. */
function variableOf(path: readonly string[]): string {
  return path.map((part) => part.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()).join('_')
}

function overridable(): readonly Key[] {
  return allKeys().filter(isOverridable)
}

function isOverridable({ path, accepts, itemAccepts }: Key): boolean {
  if (path.includes('[]') || path[0] === 'environment' || path[0] === 'environments') return false
  const items = itemAccepts.size === 0 || [...itemAccepts].some((kind) => kind !== 'object')
  return [...accepts].some((kind) => kind !== 'object' && kind !== 'function' && (kind !== 'list' || items))
}

function keyFor(
  name: string,
  known: ReadonlyMap<string, Key>,
): { path: readonly string[]; key: Key } | undefined {
  const key = known.get(name)
  if (key !== undefined && !key.accepts.has('record')) return { path: key.path, key }
  for (const [variable, record] of known) {
    if (!record.accepts.has('record') || !name.startsWith(`${variable}_`)) continue
    return { path: [...record.path, name.slice(variable.length + 1)], key: record }
  }
  return undefined
}

function recordOf(path: string, known: ReadonlyMap<string, Key>): Key | undefined {
  return [...known.values()].find(
    (key) => key.accepts.has('record') && path.startsWith(`${key.path.join('.')}.`),
  )
}

/** Text in the type that the key takes; what doesn't fit stays text, and validation says what is wrong with it. */
function valueOf(text: string, key: Key): unknown {
  if (key.accepts.has('list') && (text.includes(',') || !key.accepts.has('text'))) {
    return text.split(',').map((item) => scalar(item.trim(), key.itemAccepts))
  }
  return scalar(text, key.accepts)
}

function scalar(text: string, accepted: ReadonlySet<Accepts>): unknown {
  if (accepted.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (accepted.has('number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  return text
}
