/** The values of facts that have more than one field. */
import type { Fact } from './answers.js'
import type {
  Current,
  GuardEnds,
  GuardSurvives,
  HostFacts,
  HostProblem,
  HostRelease,
  HostState,
  JournalLine,
  Listener,
  ServiceFacts,
  Unconfirmed,
} from './facts.js'
import { all, digest, first, given, known, Malformed, name, need, number, oneOf } from './fields.js'

export function hostFacts(facts: readonly Fact[]): HostFacts {
  return {
    ...state(facts),
    version: need(facts, 'version'),
    path: need(facts, 'path'),
    hostname: first(facts, 'hostname') ?? '',
    ...given('instance', first(facts, 'instance')),
    clock: number(need(facts, 'clock')) * 1000,
    user: user(need(facts, 'user')),
    releases: all(facts, 'release').map(release),
    fence: number(first(facts, 'fence') ?? '0'),
    ...given('reverted', reverted(first(facts, 'reverted'))),
    ...given('freeBytes', known(facts, 'free-bytes', number)),
    ...given('freeInodes', known(facts, 'free-inodes', number)),
    tools: new Set(all(facts, 'tool')),
    ...given('guardSurvives', known(facts, 'guard-survives', guardSurvives)),
    ...given('guardEnds', known(facts, 'guard-ends', guardEnds)),
    problems: all(facts, 'problem').map(problem),
  }
}

export function state(facts: readonly Fact[]): HostState {
  return {
    current: current(need(facts, 'current')),
    good: all(facts, 'good').map(name),
    ...given('unconfirmed', known(facts, 'unconfirmed', unconfirmed)),
    ...given(
      'via',
      known(facts, 'via', (value) => oneOf<'deploy' | 'rollback'>(value, ['deploy', 'rollback'])),
    ),
  }
}

/** `none`, `release NAME` or `foreign what it is`. */
export function current(value: string): Current {
  const [kind, rest] = words(value, 2)
  switch (kind) {
    case 'none':
      return { kind }
    case 'release':
      return { kind, release: name(rest) }
    case 'foreign':
      return { kind, what: rest }
    default:
      throw new Malformed(`current is "${value}"`)
  }
}

/** `ID RELEASE PREVIOUS`, where PREVIOUS may be `-`. */
function unconfirmed(value: string): Unconfirmed {
  const [id, release, previous] = words(value, 3)
  return { id: name(id), release: name(release), ...(previous === '-' ? {} : { previous: name(previous) }) }
}

/** `RELEASE PREVIOUS`; nothing ran before where PREVIOUS is `-`. */
function reverted(value: string | undefined): HostFacts['reverted'] {
  if (value === undefined) return undefined
  const [release, previous] = words(value, 2)
  return previous === '-' ? undefined : { release: name(release), previous: name(previous) }
}

/** `NAME DIGEST good|bad|-` */
export function release(value: string): HostRelease {
  const [release, sha256, mark] = words(value, 3)
  const marked = mark === '-' || mark === '' ? undefined : oneOf(mark, ['good', 'bad'])
  return { release: name(release), digest: digest(sha256), ...given('mark', marked) }
}

/** `CODE TEXT` */
export function problem(value: string): HostProblem {
  const [code, text] = words(value, 2)
  return { code, text }
}

export function guardSurvives(value: string): GuardSurvives {
  return oneOf<GuardSurvives>(value, ['reboot', 'session', 'none'])
}

export function guardEnds(value: string): GuardEnds {
  return oneOf<GuardEnds>(value, ['off', 'path', 'boot'])
}

/** `UID NAME` */
export function user(value: string): HostFacts['user'] {
  const [id, name] = words(value, 2)
  return { id: number(id), name }
}

/** `EPOCH FENCE VERB RELEASE RESULT…` */
export function journalLine(value: string): JournalLine {
  const [time, fence, verb, release, result] = words(value, 5)
  return {
    time: number(time) * 1000,
    fence: number(fence),
    verb,
    result,
    ...(release === '-' ? {} : { release: name(release) }),
  }
}

export function serviceFacts(facts: readonly Fact[]): ServiceFacts {
  return {
    ...given('active', known(facts, 'active', yesOrNo)),
    ...given('state', known(facts, 'state', String)),
    ...given('pid', known(facts, 'pid', number)),
    ...given('started', known(facts, 'started', String)),
    ...given('uptime', known(facts, 'uptime', number)),
    ...given('restarts', known(facts, 'restarts', number)),
    ...given('cwd', first(facts, 'cwd') === 'unknown' ? undefined : first(facts, 'cwd')),
    ...given('release', known(facts, 'cwd-release', name)),
    ...given('listening', known(facts, 'listening', yesOrNo)),
    ...given('listener', listener(facts)),
  }
}

function listener(facts: readonly Fact[]): Listener | undefined {
  const pid = known(facts, 'listener', number)
  if (pid === undefined) return undefined
  return {
    pid,
    ...given('name', known(facts, 'listener-name', String)),
    ...given('belongs', known(facts, 'listener-belongs', yesOrNo)),
    ...given('release', known(facts, 'listener-release', name)),
  }
}

function yesOrNo(value: string): boolean {
  return oneOf(value, ['yes', 'no']) === 'yes'
}

/** The first words of a line and the rest of it as the last one; what is missing is empty. */
function words(value: string, count: 2): [string, string]
function words(value: string, count: 3): [string, string, string]
function words(value: string, count: 5): [string, string, string, string, string]
function words(value: string, count: number): string[] {
  const parts = value.split(' ')
  const found = [...parts.slice(0, count - 1), parts.slice(count - 1).join(' ')]
  return [...found, ...Array<string>(count).fill('')].slice(0, count)
}
