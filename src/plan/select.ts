import { DeliverError } from '../errors.js'
import { nearest } from '../nearest.js'
import type { Host } from '../ports.js'

/** What `--hosts` and `--limit` ask for, as they were typed. */
export interface Selection {
  readonly hosts?: string | undefined
  readonly limit?: string | undefined
}

/** Whether a command is for part of the fleet; the pointer is of all of it. */
export function isPartial(selection: Selection): boolean {
  return selection.hosts !== undefined || selection.limit !== undefined
}

/** The hosts that a selection means: those that match, and of these the first so many in the fleet's order. */
export function chooseHosts(hosts: readonly Host[], { hosts: patterns, limit }: Selection): readonly Host[] {
  const most = limit === undefined ? Number.POSITIVE_INFINITY : countOfHosts(limit)
  return selectHosts(hosts, patterns === undefined ? [] : [patterns]).slice(0, most)
}

/** As chooseHosts, of a fleet that was asked again: with a limit nobody takes the place of who has gone. */
export function stillChosen(
  now: readonly Host[],
  { hosts: patterns, limit }: Selection,
  before: readonly Host[],
): readonly Host[] {
  const matching = patterns === undefined ? now : matchingHosts(now, [patterns])
  if (limit === undefined) return matching
  const chosen = new Set(before.map((host) => host.name))
  return matching.filter((host) => chosen.has(host.name))
}

function countOfHosts(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new DeliverError('usage', `--limit: ${JSON.stringify(text)} is no number of hosts`, {
    fix: 'Write e.g. 2.',
  })
}

/**
 * The hosts that any pattern matches, in the fleet's order: names, globs (`web*`), labels (`zone=eu-west-1a`, with globs
 * too), and comma lists of these. No patterns: all hosts. A pattern that matches nothing is an error, because a deploy to
 * fewer hosts than asked for would look like a success.
 */
export function selectHosts(hosts: readonly Host[], patterns: readonly string[]): readonly Host[] {
  if (patterns.length === 0) return hosts
  const wanted = split(patterns)
  if (wanted.length === 0) throw nothing('no host was named', hosts)
  const chosen = new Set<Host>()
  for (const pattern of wanted) {
    const matching = hosts.filter((host) => matches(host, pattern))
    if (matching.length === 0)
      throw nothing(`no host matches ${JSON.stringify(pattern)}`, hosts, meant(pattern, hosts))
    for (const host of matching) chosen.add(host)
  }
  return hosts.filter((host) => chosen.has(host))
}

/** As selectHosts, for a fleet that changes under way: whoever matches, even if that is nobody. */
export function matchingHosts(hosts: readonly Host[], patterns: readonly string[]): readonly Host[] {
  const wanted = split(patterns)
  return hosts.filter((host) => wanted.some((pattern) => matches(host, pattern)))
}

function split(patterns: readonly string[]): readonly string[] {
  return patterns
    .flatMap((pattern) => pattern.split(','))
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
}

function matches(host: Host, pattern: string): boolean {
  const equals = pattern.indexOf('=')
  if (equals === -1) return glob(pattern, host.name)
  const value = new Map(Object.entries(host.labels)).get(pattern.slice(0, equals))
  return value !== undefined && glob(pattern.slice(equals + 1), value)
}

/** `*` stands for any characters, `?` for one; nothing else is special. Never exponential, whatever the pattern. */
function glob(pattern: string, text: string): boolean {
  let p = 0
  let star = -1
  let resume = 0
  for (let t = 0; t < text.length;) {
    if (pattern[p] === '*') {
      star = p++
      resume = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star !== -1) {
      p = star + 1
      t = ++resume
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

const shown = 20

/** The name or label that a pattern without wildcards most likely is a slip of. */
function meant(pattern: string, hosts: readonly Host[]): string | undefined {
  if (/[*?]/.test(pattern)) return undefined
  const labels = hosts.flatMap((host) => Object.entries(host.labels).map(([key, value]) => `${key}=${value}`))
  return nearest(pattern, pattern.includes('=') ? labels : hosts.map(({ name }) => name))
}

function nothing(problem: string, hosts: readonly Host[], suggestion?: string): DeliverError {
  if (hosts.length === 0) {
    return new DeliverError('noHosts', `${problem}: the fleet is empty`, { fix: 'Add hosts to the fleet.' })
  }
  const list = hosts.slice(0, shown).map(({ name, labels }) => {
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    return pairs.length === 0 ? name : `${name} (${pairs.join(' ')})`
  })
  const more = hosts.length > shown ? ` and ${hosts.length - shown} more` : ''
  const hint = suggestion === undefined ? '' : `Did you mean ${suggestion}? `
  return new DeliverError('noHosts', problem, { fix: `${hint}There are: ${list.join(', ')}${more}.` })
}
