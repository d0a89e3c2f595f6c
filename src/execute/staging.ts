import { codes } from '../remote/answers.js'
import type { HostFacts } from '../remote/facts.js'
import type { Encoding } from '../remote/verbs.js'
import type { ReleaseMaterial } from './material.js'
import type { Run, RunHost } from './run.js'

/** A release that is to come to a host. */
export interface Staging {
  readonly run: Run
  readonly host: RunHost
  readonly material: ReleaseMaterial
  readonly facts: Pick<HostFacts, 'tools' | 'current' | 'good' | 'releases'>
}

/** What one attempt came to. `unfit`: not in this way, and nothing is lost; `final`: sending again can't mend it. */
export type Tried =
  | { readonly kind: 'staged' }
  | { readonly kind: 'failed'; readonly because: string; readonly final: boolean }
  | { readonly kind: 'unfit'; readonly because: string }

/** What sending again can't mend. */
export const permanent: ReadonlySet<number> = new Set([
  codes.badCall,
  codes.precondition,
  codes.fenced,
  codes.noSpace,
  // Half an hour or more went by: what hangs there is for somebody to look at.
  codes.timedOut,
])

/** The published encoding where the host has the tool for it, else what every host can unpack. */
export function chooseEncoding(published: Encoding, tools: ReadonlySet<string>): Encoding {
  if (published === 'none' || tools.has(published)) return published
  return tools.has('gzip') ? 'gzip' : 'none'
}
