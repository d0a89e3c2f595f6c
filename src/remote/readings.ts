/**
 * Answers to typed facts. Hosts are hostile: a fact that isn't what it should be makes the whole answer `unknown`, and
 * never a crash. Facts that this version doesn't know are ignored.
 */
import type { Answer } from './answers.js'
import type { HostFacts, HostState, HostStatus, JournalLine, ServiceFacts, SwitchFacts } from './facts.js'
import { all, first, given, known, name, number } from './fields.js'
import { hostFacts, journalLine, release, serviceFacts, state } from './fact-shapes.js'
import { read, type Reading } from './reading.js'

export type { Reading } from './reading.js'

export function readHostFacts(answer: Answer): Reading<HostFacts> {
  return read(answer, hostFacts)
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

/** The host's state, as `confirm` and `withdraw` tell it. */
export function readState(answer: Answer): Reading<HostState> {
  return read(answer, state)
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

/** `altered`: the file because of which the release was put away. `missing`: it is not there, perhaps since an answer was lost. */
export function readRechecked(
  answer: Answer,
): Reading<{ readonly altered?: string; readonly missing: boolean }> {
  return read(answer, (facts) => ({
    ...given('altered', first(facts, 'altered')),
    missing: first(facts, 'missing') === 'yes',
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
