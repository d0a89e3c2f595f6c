import { exitCodes } from '../errors.js'

/**
 * What became of one host. `runs` is the release that `current` names at the end, null when there is none, and
 * undefined when nobody could read it. `ms`: how long the host itself was worked on; waiting for other hosts isn't in it.
 */
export type Outcome = { readonly host: string; readonly ms: number } & (
  | { readonly kind: 'done'; readonly runs: string; readonly restarted: boolean; readonly because?: string }
  | {
      readonly kind: 'failed'
      readonly because: string
      readonly runs: string | null | undefined
      readonly switched: boolean
    }
  | { readonly kind: 'rolled-back'; readonly because: string; readonly runs: string | null }
  | { readonly kind: 'rollback-failed'; readonly because: string; readonly runs: string | null | undefined }
  | { readonly kind: 'skipped'; readonly because: string; readonly runs: string | null | undefined }
  | { readonly kind: 'gone'; readonly because: string }
)

export interface Verdict {
  readonly code: number
  readonly text: string
}

const mostNamed = 12

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

/** The exit code and closing sentence for a rollout of `release`, from what became of its hosts. */
export function verdictOf(
  release: string,
  outcomes: readonly Outcome[],
  interrupted?: 'interrupted' | 'terminated',
): Verdict {
  const of = (kind: Outcome['kind']): readonly Outcome[] =>
    outcomes.filter((outcome) => outcome.kind === kind)
  const names = (list: readonly Outcome[]): string => namesOf(list.map((outcome) => outcome.host))
  const done = of('done')
  const failed = of('failed')
  const skipped = of('skipped')
  const rolledBack = of('rolled-back')
  const stuck = of('rollback-failed')
  const restarted = outcomes.filter((outcome) => outcome.kind === 'done' && outcome.restarted)

  if (stuck.length > 0)
    return { code: exitCodes.rollbackFailed, text: `${release}: rolling back failed on ${names(stuck)}` }
  if (interrupted !== undefined) {
    const where = `${count(done.length, 'host')} on ${release}, ${outcomes.length - done.length} not`
    return { code: exitCodes[interrupted], text: `${release}: interrupted; ${where}` }
  }
  if (failed.length === 0 && skipped.length === 0 && rolledBack.length === 0) {
    if (done.length === 0) return { code: exitCodes.noHosts, text: `${release}: no host was left to run it` }
    // A rollback takes each host to what it has to go back to, which needn't be the same.
    const elsewhere = outcomes.flatMap((each) =>
      each.kind === 'done' && each.runs !== release ? [`${each.host} runs ${each.runs}`] : [],
    )
    if (elsewhere.length > 0)
      return {
        code: exitCodes.partial,
        text: `${release} is only on part of the fleet; ${namesOf(elsewhere)}`,
      }
    const text = `${release} runs on ${count(done.length, 'host')}`
    return { code: exitCodes.done, text: restarted.length === 0 ? `${text}; nothing had to change` : text }
  }
  if (done.length > 0 || failed.some((outcome) => outcome.kind === 'failed' && outcome.switched)) {
    const bad = names([...failed, ...rolledBack, ...skipped])
    return { code: exitCodes.partial, text: `${release} is only on part of the fleet; not on ${bad}` }
  }
  if (rolledBack.length > 0)
    return {
      code: exitCodes.rolledBack,
      text: `${release} failed and was rolled back; every host runs what it ran before`,
    }
  const why = failed.length > 0 ? names(failed) : (skipped.map(becauseOf)[0] ?? 'nothing was done')
  return { code: exitCodes.failed, text: `${release} failed before any host switched: ${why}` }
}

/** For a sentence: all of a few, or the first of many and how many more. Tables have them all. */
export function namesOf(names: readonly string[]): string {
  const shown = names.length > mostNamed ? mostNamed - 2 : names.length
  const more = names.length - shown
  return `${names.slice(0, shown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function becauseOf(outcome: Outcome): string {
  return 'because' in outcome ? (outcome.because ?? '') : ''
}
