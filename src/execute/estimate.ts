import type { SendEstimate } from '../plan/preview.js'
import type { ReleaseRecord } from '../release/release.js'
import { estimateStage } from '../release/delta.js'
import type { Encoding } from '../remote/verbs.js'
import { chooseBase } from './choose-base.js'
import type { DeltaPlans } from './deltas.js'
import { encodings } from './material.js'
import { chooseEncoding } from './staging.js'

/** What staging a release on a host will send: a delta where there is a base for one, else the archive. */
export async function estimateStaging(
  record: ReleaseRecord,
  facts: Parameters<typeof chooseBase>[0],
  plans: DeltaPlans | undefined,
  shared: readonly string[],
): Promise<SendEstimate> {
  const chosen = plans === undefined ? '' : await chooseBase(facts, plans, shared)
  if (typeof chosen === 'string') return estimateSend(record, facts.tools)
  return { bytes: estimateStage(record, chosen.delta), exact: false, as: `delta on ${chosen.base.release}` }
}

/** What staging a release on a host that lacks it will send, without making any of it. */
export function estimateSend(record: ReleaseRecord, tools: ReadonlySet<string>): SendEstimate {
  const published = encodings[record.archive.format]
  const encoding: Encoding = chooseEncoding(published, tools)
  const as = encoding === 'none' ? 'archive, not compressed' : `archive as ${encoding}`
  if (encoding === published) return { bytes: record.archive.size, exact: true, as }
  if (encoding === 'none') return { bytes: record.tar.size, exact: true, as }
  // It will be compressed anew: close to the published archive, which is all that is known of it yet.
  return { bytes: record.archive.size, exact: false, as }
}
