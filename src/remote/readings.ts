/**
 * Answers to typed facts. Hosts are hostile: a fact that isn't what it should be makes the whole answer `unknown`, and
 * never a crash. Facts that this version doesn't know are ignored.
 */
import { codes, type Answer, type Fact } from './answers.js'
import type { HostFacts, HostStatus, JournalLine, ServiceFacts, SwitchFacts } from './facts.js'
import { all, first, given, known, Malformed, name, need, number } from './fields.js'
import {
  guardEnds,
  guardSurvives,
  journalLine,
  problem,
  release,
  serviceFacts,
  state,
  user,
} from './fact-shapes.js'

/** `refused`: the agent answered with a code that isn't ok; `log` and `facts` are what it told until then. */
export type Reading<T> =
  | { readonly kind: 'ok'; readonly value: T; readonly log: string }
  | { readonly kind: 'refused'; readonly code: number; readonly text: string; readonly log: string }
  | { readonly kind: 'unknown'; readonly because: string; readonly log: string }

export function readHostFacts(answer: Answer): Reading<HostFacts> {
  return read(answer, hostFacts)
}

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
    ...given('freeBytes', known(facts, 'free-bytes', number)),
    ...given('freeInodes', known(facts, 'free-inodes', number)),
    tools: new Set(all(facts, 'tool')),
    ...given('guardSurvives', known(facts, 'guard-survives', guardSurvives)),
    ...given('guardEnds', known(facts, 'guard-ends', guardEnds)),
    problems: all(facts, 'problem').map(problem),
  }
}

export function readServiceFacts(answer: Answer): Reading<ServiceFacts> {
  return read(answer, serviceFacts)
}

export function readStatus(answer: Answer): Reading<HostStatus> {
  return read(answer, (facts) => ({
    ...state(facts),
    ...given('previousGood', known(facts, 'previous-good', name)),
    releases: all(facts, 'release').map(release),
    service: serviceFacts(facts),
  }))
}

/** What activate and revert did. */
export function readSwitch(answer: Answer): Reading<SwitchFacts> {
  return read(answer, (facts) => ({
    ...given('previous', known(facts, 'previous', name)),
    restarted: first(facts, 'restarted') === 'yes',
    already: first(facts, 'already') === 'yes',
    ...given('altered', first(facts, 'altered')),
  }))
}

/** The exit code of `run`; undefined: its time was up, and it was killed. */
export function readRun(answer: Answer): Reading<{ readonly exit?: number }> {
  return read(answer, (facts) => given('exit', known(facts, 'exit', number)))
}

export function readMigration(answer: Answer): Reading<{ readonly already: boolean }> {
  return read(answer, (facts) => ({ already: first(facts, 'already') === 'yes' }))
}

export function readPruned(
  answer: Answer,
): Reading<readonly { readonly release: string; readonly because: string }[]> {
  return read(answer, (facts) =>
    all(facts, 'removed').map((value) => {
      const [removed = '', ...because] = value.split(' ')
      return { release: name(removed), because: because.join(' ') }
    }),
  )
}

export function readJournal(answer: Answer): Reading<readonly JournalLine[]> {
  return read(answer, (facts) => all(facts, 'journal').map(journalLine))
}

/** Whether a file had other content before. */
export function readFile(answer: Answer): Reading<{ readonly changed: boolean }> {
  return read(answer, (facts) => ({ changed: first(facts, 'changed') === 'yes' }))
}

/** The files that the service logs to, absolute; none: its journal. */
export function readLogFiles(answer: Answer): Reading<readonly string[]> {
  return read(answer, (facts) => all(facts, 'log-file'))
}

/** Any call of which only the result counts. */
export function readResult(answer: Answer): Reading<undefined> {
  return read(answer, () => undefined)
}

/** The value of an answer whose code is ok. `parse` throws Malformed for what makes no sense. */
export function read<T>(answer: Answer, parse: (facts: readonly Fact[]) => T): Reading<T> {
  if (answer.kind === 'unknown') return answer
  const { code, text, log } = answer
  if (code !== codes.ok) return { kind: 'refused', code, text, log }
  try {
    return { kind: 'ok', value: parse(answer.facts), log }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return { kind: 'unknown', because: `the host's answer makes no sense: ${error.message}`, log }
  }
}
