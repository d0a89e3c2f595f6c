import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '../ports.js'
import { planDelta, type Delta } from '../release/delta.js'
import type { Manifest, ReleaseRecord } from '../release/release.js'
import type { Encoding } from '../remote/verbs.js'
import { releaseKeys } from '../store/layout.js'
import { readRelease } from '../store/releases.js'
import { fetchManifest, writeBody, type LocalBody } from './local-body.js'
import { lazily } from '../lazily.js'

// Most deploys have a delta from the store.
const loadCompressor = lazily(() => import('../build/compressor.js'))
const loadTarPick = lazily(() => import('../build/tar-pick.js'))
const loadZstdPatch = lazily(() => import('../build/zstd-patch.js'))

/** A release that a host has. */
export interface Base {
  readonly release: string
  /** sha256 of its listing. */
  readonly digest: string
}

export interface DeltaBody extends LocalBody {
  /** The first so many bytes are the patch, the others the tar; each is compressed by itself. */
  readonly patchSize: number
}

/** How hosts get from releases that they have to one release, by the manifests in the store. Each is worked out once. */
export class DeltaPlans {
  readonly #store: Store
  readonly #record: ReleaseRecord
  readonly #manifest: Manifest
  readonly #plans = new Map<string, Promise<Delta | undefined>>()

  constructor(store: Store, record: ReleaseRecord, manifest: Manifest) {
    this.#store = store
    this.#record = record
    this.#manifest = manifest
  }

  /** Of all files of the release. */
  get bytes(): number {
    return this.#record.manifest.bytes
  }

  /** Undefined: the store has no such release (any more), or one of that name with other content. */
  plan(base: Base, shared: readonly string[]): Promise<Delta | undefined> {
    const known = this.#plans.get(base.digest) ?? this.#make(base, shared)
    this.#plans.set(base.digest, known)
    return known
  }

  async #make(base: Base, shared: readonly string[]): Promise<Delta | undefined> {
    const found = await readRelease(this.#store, this.#record.app, base.release)
    if (found?.manifest.digest !== base.digest) return undefined
    const keys = releaseKeys(this.#record.app, base.release, {
      format: found.archive.format,
      manifestFile: found.manifest.file,
    })
    return planDelta(await fetchManifest(this.#store, keys.manifest, found), this.#manifest, shared)
  }
}

interface Source {
  readonly plans: DeltaPlans
  /** Private, for what is made. */
  readonly directory: string
  /** The tar of the release. */
  readonly open: () => AsyncIterable<Buffer>
}

const formats = { zstd: 'tar.zst', gzip: 'tar.gz', none: 'tar' } as const

/** What brings hosts from releases that they have to one release. Each is made once, however many hosts need it. */
export class Deltas {
  readonly #source: Source
  readonly #bodies = new Map<string, Promise<DeltaBody>>()

  constructor(source: Source) {
    this.#source = source
  }

  get plans(): DeltaPlans {
    return this.#source.plans
  }

  body(base: Base, delta: Delta, encoding: Encoding): Promise<DeltaBody> {
    const name = `${base.digest}.${encoding}`
    const known = this.#bodies.get(name) ?? this.#makeBody(name, delta, encoding)
    this.#bodies.set(name, known)
    return known
  }

  async #makeBody(name: string, delta: Delta, encoding: Encoding): Promise<DeltaBody> {
    const { directory, open } = this.#source
    const [{ compress }, { tarPick }] = await Promise.all([loadCompressor(), loadTarPick()])
    let patchSize = 0
    const format = formats[encoding]
    async function* parts(): AsyncGenerator<Buffer> {
      for await (const chunk of compress(bytes(delta.patch), { format })) {
        patchSize += chunk.length
        yield chunk
      }
      yield* compress(tarPick(open(), delta), { format })
    }
    const body = await writeBody(join(directory, name), parts())
    return { ...body, patchSize }
  }
}

/**
 * The delta told as differences: the tar from `replaced`, what the base has in the files of `delta.replaced`, one after another; the
 * patch of the listing as it is. Throws where there is no zstd for it.
 */
export async function patchBody(
  { directory, open }: Pick<Source, 'directory' | 'open'>,
  delta: Delta,
  replaced: readonly Buffer[],
): Promise<DeltaBody> {
  const [{ compress }, { tarPick }, { zstdPatch }] = await Promise.all([
    loadCompressor(),
    loadTarPick(),
    loadZstdPatch(),
  ])
  const [tar, reference] = [join(directory, 'picked'), join(directory, 'replaced')]
  await Promise.all([writeBody(tar, tarPick(open(), delta)), writeFile(reference, replaced, { mode: 0o600 })])
  let patchSize = 0
  async function* parts(): AsyncGenerator<Buffer> {
    for await (const chunk of compress(bytes(delta.patch), { format: 'tar.zst' })) {
      patchSize += chunk.length
      yield chunk
    }
    yield* zstdPatch(tar, reference)
  }
  const body = await writeBody(join(directory, 'differences'), parts())
  return { ...body, patchSize }
}

async function* bytes(buffer: Buffer): AsyncGenerator<Buffer> {
  yield buffer
}
