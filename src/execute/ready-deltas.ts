import { Readable } from 'node:stream'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { findReadyDelta, type ReadyDelta } from '../store/ready-deltas.js'
import { readBody } from './local-body.js'
import type { DeltaBody } from './deltas.js'
import type { Signed } from '../remote/verbs.js'
import { readSigned } from './signed.js'

export interface ReadyBody {
  readonly delta: ReadyDelta
  readonly body: DeltaBody
  readonly signed: Signed | undefined
}

/** Deltas to one release that are in the store already, each read once. With one of these neither manifests nor the archive are needed. */
export class ReadyDeltas {
  readonly record: ReleaseRecord
  readonly #store: Store
  readonly #shared: readonly string[]
  #signed: Promise<Signed | undefined> | undefined
  readonly #found = new Map<string, Promise<ReadyBody | undefined>>()

  constructor(store: Store, record: ReleaseRecord, shared: readonly string[]) {
    this.#store = store
    this.record = record
    this.#shared = shared
  }

  /** From a release with this digest. Never rejects: what isn't there, or is damaged, is made anew. */
  find(baseDigest: string): Promise<ReadyBody | undefined> {
    const known = this.#found.get(baseDigest) ?? this.#read(baseDigest).catch(() => undefined)
    this.#found.set(baseDigest, known)
    return known
  }

  async #read(baseDigest: string): Promise<ReadyBody | undefined> {
    const wanted = { record: this.record, baseDigest, shared: this.#shared }
    const delta = await findReadyDelta(this.#store, wanted)
    if (delta === undefined) return undefined
    this.#signed ??= readSigned(this.#store, this.record)
    const [bytes, signed] = await Promise.all([readBody(this.#store, delta.key, delta), this.#signed])
    const { size, sha256, patchSize } = delta
    return { delta, signed, body: { size, sha256, patchSize, open: () => Readable.from([bytes]) } }
  }
}
