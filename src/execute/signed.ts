import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { releaseStatement } from '../release/statement.js'
import type { Signed } from '../remote/verbs.js'
import { readSignature } from '../store/signatures.js'

/** What hosts that take signed releases only ask for; undefined: the release has no signature. */
export async function readSigned(store: Store, record: ReleaseRecord): Promise<Signed | undefined> {
  const signature = await readSignature(store, record)
  return signature === undefined ? undefined : { statement: releaseStatement(record), signature }
}
