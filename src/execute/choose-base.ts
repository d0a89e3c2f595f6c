import { messageOf } from '../errors.js'
import type { Delta } from '../release/delta.js'
import type { HostFacts } from '../remote/facts.js'
import type { Base, DeltaPlans } from './deltas.js'

/** Bases that are compared; each costs the reading of a manifest. */
const mostBases = 3
/** More than this share of a release: sending all of it is as cheap, and one thing less that can be in the way. */
const worthwhile = 0.8
export interface Chosen {
  readonly base: Base
  readonly delta: Delta
}

type BaseFacts = Pick<HostFacts, 'tools' | 'current' | 'good' | 'releases'>

/** The release of the host that the fewest bytes lead from, or why there is none. */
export async function chooseBase(
  facts: BaseFacts,
  plans: DeltaPlans,
  shared: readonly string[],
): Promise<Chosen | string> {
  if (!facts.tools.has('delta')) return "the host's tools can't build from another release"
  const bases = candidates(facts).slice(0, mostBases)
  if (bases.length === 0) return 'the host has no other release'
  let best: Chosen | undefined
  let because = `the store has no manifest of ${bases.map(({ release }) => release).join(', ')}`
  for (const base of bases) {
    const delta = await plans.plan(base, shared).catch((error: unknown) => messageOf(error))
    if (typeof delta === 'string') because = delta
    else if (delta !== undefined && (best === undefined || delta.bytes < best.delta.bytes))
      best = { base, delta }
    if (best !== undefined && best.delta.bytes < plans.bytes / 10) break
  }
  if (best === undefined) return because
  if (best.delta.bytes > plans.bytes * worthwhile && plans.bytes > 0)
    return `nearly everything is new since ${best.base.release}`
  return best
}

/** What runs first, then what ran before, the newest first. */
function candidates({ current, good, releases }: BaseFacts): readonly Base[] {
  const order = [...(current.kind === 'release' ? [current.release] : []), ...[...good].reverse()]
  const rank = (release: string): number => {
    const at = order.indexOf(release)
    return at < 0 ? order.length : at
  }
  return [...releases].sort((a, b) => rank(a.release) - rank(b.release))
}
