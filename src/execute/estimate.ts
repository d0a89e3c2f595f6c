import type { SendEstimate } from '../plan/preview.js'
import type { ReleaseRecord } from '../release/release.js'
import type { Encoding } from '../remote/verbs.js'
import { encodings } from './material.js'
import { chooseEncoding } from './staging.js'

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
