import { DeliverError } from '../errors.js'
import { nearest } from '../nearest.js'
import { interleave } from './batches.js'
import { foreseen, policyOf, stepTo, type RolloutChoice } from './deploy.js'
import type { HostView, HostStep, RolloutPlan, RolloutPolicy } from './types.js'

/** Where a host goes back to by itself, or why it stays on what it runs. */
type Choice =
  | { readonly kind: 'to'; readonly release: string }
  | { readonly kind: 'stay'; readonly release: string; readonly because: string }

/**
 * The release that each host goes back to. Without a name it is that in production (`pointer`), if hosts have left it, or came back to it
 * when a deploy was undone: a deploy that failed, or was interrupted, is what is taken back then, and hosts that it never reached stay. Else it
 * is the host's own last good one; a host that was rolled back already stays, and so do those that were there before it, so that a rollback that is
 * repeated, or resumed, doesn't go two releases back. A host without a history (it was booted on the bad release) follows the rest of
 * the fleet. A host that stays is looked at all the same.
 */
export function chooseRollback(
  states: readonly HostView[],
  named: string | undefined,
  pointer?: string,
): ReadonlyMap<string, Choice> {
  if (named !== undefined) return new Map(states.map((state) => [state.host, { kind: 'to', release: named }]))
  if (pointer !== undefined && states.some((state) => hasLeft(state, pointer) || cameBack(state, pointer)))
    return new Map(states.map((state) => [state.host, backToPointer(state, pointer)]))
  const resting = states.find((state) => state.current === pointer && isRolledBack(state))
  const own = new Map(states.map((state) => [state.host, ownChoice(state, resting)]))
  const chosen = (kind: Choice['kind'], from: readonly HostView[]): string | undefined =>
    mostCommon(
      from.flatMap(({ host }) => {
        const choice = own.get(host)
        return choice?.kind === kind ? [choice.release] : []
      }),
    )
  // What is in production is what is being left, so those who run it say where to.
  const inProduction = states.filter(({ current }) => current === pointer)
  const common = chosen('to', inProduction) ?? chosen('to', states)
  const settled = chosen('stay', states)
  const fleet = common ?? settled
  if (fleet === undefined) {
    throw new DeliverError('precondition', 'no host has an earlier good release to go back to', {
      fix: 'Name one: deliver rollback RELEASE. deliver releases lists what the store has.',
    })
  }
  return new Map(
    states.map((state): [string, Choice] => {
      const choice = own.get(state.host)
      const isBehind = choice?.kind === 'to' && state.current === fleet && !state.unconfirmed
      if (choice !== undefined && !isBehind) return [state.host, choice]
      if (state.current === fleet)
        return [state.host, { kind: 'stay', release: fleet, because: `already on ${fleet}` }]
      return [state.host, { kind: 'to', release: fleet }]
    }),
  )
}

/** A host that ran what is in production and went on from it. One that was rolled back from it has left it for good. */
function hasLeft(state: HostView, pointer: string): boolean {
  const rolledBack = state.via === 'rollback' && !state.unconfirmed
  return (
    state.current !== pointer && !rolledBack && state.good.includes(pointer) && !state.bad.includes(pointer)
  )
}

/** A host that runs what is in production since a switch away from it was undone. */
const cameBack = ({ current, reverted }: HostView, pointer: string): boolean =>
  current === pointer && reverted?.previous === pointer && reverted.release !== pointer

function backToPointer(state: HostView, pointer: string): Choice {
  if (state.current !== pointer || state.unconfirmed) return { kind: 'to', release: pointer }
  const since = cameBack(state, pointer) ? ` since ${state.reverted?.release ?? 'another'} was undone` : ''
  return { kind: 'stay', release: pointer, because: `already on ${pointer}${since}` }
}

function isRolledBack({ via, unconfirmed, current, good }: HostView): boolean {
  return via === 'rollback' && !unconfirmed && current !== null && good.includes(current)
}

/** `resting`: a host that was rolled back to what is in production. Those that were on it already were part of that rollback. */
function ownChoice(state: HostView, resting: HostView | undefined): Choice | undefined {
  const { current } = state
  if (current !== null && isRolledBack(state))
    return { kind: 'stay', release: current, because: `already rolled back to ${current}` }
  if (resting !== undefined && current !== null && current === resting.current && !state.unconfirmed)
    return {
      kind: 'stay',
      release: current,
      because: `already on ${current}, which ${resting.host} was rolled back to`,
    }
  const earlier = state.good.filter((release) => release !== state.current && !state.bad.includes(release))
  const last = earlier.at(-1)
  return last === undefined ? undefined : { kind: 'to', release: last }
}

function mostCommon(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}

/**
 * The rollout that goes back. `digests` has the manifest digest of every release that a host goes to, as far as the store
 * has it. A host that stays keeps its own copy, and is restarted only when it isn't well.
 */
export function planRollback(
  choices: ReadonlyMap<string, Choice>,
  states: readonly HostView[],
  digests: ReadonlyMap<string, string>,
  rollout: RolloutChoice,
): RolloutPlan {
  const steps = states.flatMap((state): readonly HostStep[] => {
    const choice = choices.get(state.host)
    if (choice === undefined) return []
    return [choice.kind === 'stay' ? lookStep(choice, state, digests) : stepBack(choice, state, digests)]
  })
  const goal = mostCommon(steps.map((step) => step.to))
  if (goal === undefined)
    throw new DeliverError('precondition', 'there is nothing to roll back: no host runs a release', {
      fix: 'Deploy one: deliver deploy.',
    })
  const ordered = [...interleave(steps)].sort((a, b) => Number(b.out ?? false) - Number(a.out ?? false))
  // Without canaries: what is being left is worse than what is gone back to.
  const { sizes, maxUnavailable, maxFailures, pause } = policyOf(rollout)
  const policy: RolloutPolicy = {
    sizes,
    ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
    maxFailures,
    pause,
    onFailure: 'go-on',
  }
  return {
    version: 1,
    kind: 'rollback',
    release: goal,
    steps: ordered,
    skipped: [],
    ...foreseen(policy, ordered, states.length),
    ...policy,
  }
}

function stepBack({ release }: Choice, state: HostView, digests: ReadonlyMap<string, string>): HostStep {
  const digest = digests.get(release) ?? state.staged.get(release)
  if (digest === undefined) throw noSuchRelease(release, state)
  return stepTo({ release, digest }, state)
}

function lookStep(
  { release, because }: Extract<Choice, { kind: 'stay' }>,
  state: HostView,
  digests: ReadonlyMap<string, string>,
): HostStep {
  const digest = state.staged.get(release) ?? digests.get(release)
  // Without a manifest, here or in the store, what runs is all there is.
  const view = digest === undefined ? { ...state, staged: new Map([[release, '']]) } : state
  const step = stepTo({ release, digest: digest ?? '' }, view)
  return step.act === 'verify' ? { ...step, because } : step
}

function noSuchRelease(release: string, { host, staged }: HostView): DeliverError {
  const meant = nearest(release, staged.keys())
  const hint = meant === undefined ? '' : `Did you mean ${meant}? `
  return new DeliverError('precondition', `${host} lacks ${release}, and the store has no such release`, {
    fix: `${hint}deliver releases lists what the store has; deliver rollback RELEASE names another.`,
  })
}
