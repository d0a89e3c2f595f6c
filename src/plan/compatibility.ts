import { DeliverError } from '../errors.js'
import type { HostView } from './types.js'

/** What the store says of which releases can follow each other backwards. */
export interface Compatibility {
  /** Releases in the order of their publication, oldest first. Older means published before. */
  readonly published: readonly string[]
  /** Of a release that has a mark: the oldest one that it may be rolled back to. */
  readonly oldest: ReadonlyMap<string, string>
}

/**
 * Why a host must not go back from one release to another; undefined when nothing speaks against it. What can't be shown
 * not to be older counts as older: a release that the store no longer has.
 */
export function whyNotBack(
  { published, oldest }: Compatibility,
  from: string,
  to: string,
): string | undefined {
  const mark = oldest.get(from)
  if (mark === undefined || to === mark || to === from) return undefined
  const markAt = published.indexOf(mark)
  const toAt = published.indexOf(to)
  if (markAt >= 0 && toAt > markAt) return undefined
  const missing = toAt < 0 ? to : markAt < 0 ? mark : undefined
  const because = missing === undefined ? `${to} is older` : `the store has no ${missing} to compare`
  return `${from} may be rolled back to ${mark} at the oldest, and ${because}`
}

/** Releases whose changes a host would have to live without: what it runs, and what settled on it since the other one did. */
export function leftBehind(state: HostView, to: string, { published }: Compatibility): readonly string[] {
  const settled = state.good.lastIndexOf(to)
  const toAt = published.indexOf(to)
  const since =
    settled >= 0
      ? state.good.slice(settled + 1)
      : state.good.filter((release) => toAt >= 0 && published.indexOf(release) > toAt)
  return [...new Set([...(state.current === null ? [] : [state.current]), ...since])].filter(
    (release) => release !== to,
  )
}

/** The release that a host whose switch fails goes back to. */
export function wayBackOf(state: HostView, target: string): string | null {
  if (!state.unconfirmed) return state.current
  return state.good.findLast((release) => release !== target) ?? null
}

/** Refuses a rollback by hand that a mark speaks against, on any host. */
export function checkRollback(
  choices: ReadonlyMap<string, { readonly kind: 'to'; readonly release: string } | { readonly kind: 'stay' }>,
  states: readonly HostView[],
  marks: Compatibility,
): void {
  const problems = states.flatMap((state) => {
    const choice = choices.get(state.host)
    if (choice?.kind !== 'to') return []
    const because = leftBehind(state, choice.release, marks)
      .map((from) => whyNotBack(marks, from, choice.release))
      .find((each) => each !== undefined)
    return because === undefined ? [] : [{ host: state.host, because }]
  })
  if (problems.length === 0) return
  const reasons = [...new Set(problems.map(({ because }) => because))].join('; ')
  throw new DeliverError(
    'precondition',
    `rollback: ${reasons} (${problems.map(({ host }) => host).join(', ')})`,
    {
      fix: 'Deploy a release that mends it. Or, if you know that the older one can run now: --force.',
    },
  )
}
