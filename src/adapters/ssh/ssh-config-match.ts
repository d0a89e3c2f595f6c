import { matchesPatternList } from './patterns.js'
import type { ConfigLine } from './ssh-config-lines.js'

export interface MatchFacts {
  readonly host: string
  readonly originalHost: string
  readonly user: string
  readonly localUser: string
  /** Whether this is the second reading, that `Match final` asks for. */
  readonly final: boolean
}

export interface MatchAnswer {
  readonly met: boolean
  /** Not met for no other reason than a criterion that can't be decided here. */
  readonly undecided: boolean
  /** Whether the line mentions `final`, which makes a second reading necessary. */
  readonly final: boolean
  readonly warnings: readonly string[]
}

/** Criteria that need no argument. */
const bare = new Set(['all', 'canonical', 'final'])

/**
 * Decides a `Match` line. A criterion that can't be decided here (`exec` would run a program of the config's choosing)
 * is never met, negated or not: its block is left out, and a warning says so.
 */
export function meetsCriteria(line: ConfigLine, facts: MatchFacts): MatchAnswer {
  const words = criteriaWords(line.args)
  const warnings: string[] = []
  let met = true
  let unknown = false
  let final = false
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const negated = word.startsWith('!')
    const name = (negated ? word.slice(1) : word).toLowerCase()
    if (name === 'final') final = true
    const argument = bare.has(name) ? '' : words[++index]
    const result = argument === undefined ? undefined : criterion(name, argument, facts)
    if (result === undefined)
      warnings.push(`${line.at}: Match ${name} is not supported, so its block has no effect`)
    if (result === undefined) unknown = true
    else if (result === negated) met = false
  }
  const otherwise = met && words.length > 0
  return { met: otherwise && !unknown, undecided: otherwise && unknown, final, warnings }
}

function criterion(name: string, argument: string, facts: MatchFacts): boolean | undefined {
  const matches = (text: string) => matchesPatternList(argument.split(',').filter(Boolean), text)
  switch (name) {
    case 'all':
      return true
    case 'final':
      return facts.final
    case 'canonical':
      return facts.final
    case 'host':
      return matches(facts.host)
    case 'originalhost':
      return matches(facts.originalHost)
    case 'user':
      return matches(facts.user)
    case 'localuser':
      return matches(facts.localUser)
    default:
      return undefined
  }
}

/** `Match host=web*` and `Match host web*` are the same. */
function criteriaWords(args: readonly string[]): readonly string[] {
  return args.flatMap((arg) => {
    const [, name, value] = /^(!?[a-z]+)=(.*)$/is.exec(arg) ?? []
    return name === undefined || value === undefined ? [arg] : [name, value]
  })
}
