import { join } from 'node:path'
import { tarPick } from '../build/tar-pick.js'
import { compress } from '../build/compressor.js'
import type { Store } from '../ports.js'
import { planDelta, type Delta } from '../release/delta.js'
import type { Manifest, ReleaseRecord } from '../release/release.js'
import type { Encoding } from '../remote/verbs.js'
import { releaseKeys } from '../store/layout.js'
import { readRelease } from '../store/releases.js'
import { fetchManifest, writeBody, type LocalBody } from './local-body.js'

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

interface Source {
  readonly store: Store
  readonly record: ReleaseRecord
  readonly manifest: Manifest
  /** Private, for what is made. */
  readonly directory: string
  /** The tar of the release. */
  readonly open: () => AsyncIterable<Buffer>
}

const formats = { zstd: 'tar.zst', gzip: 'tar.gz', none: 'tar' } as const

/** What brings hosts from releases that they have to one release. Each is made once, however many hosts need it. */
export class Deltas {
  readonly #source: Source
  readonly #plans = new Map<string, Promise<Delta | undefined>>()
  readonly #bodies = new Map<string, Promise<DeltaBody>>()

  constructor(source: Source) {
    this.#source = source
  }

  /** Undefined: the store has no such release (any more), or one of that name with other content. */
  plan(base: Base, shared: readonly string[]): Promise<Delta | undefined> {
    const known = this.#plans.get(base.digest) ?? this.#makePlan(base, shared)
    this.#plans.set(base.digest, known)
    return known
  }

  body(base: Base, delta: Delta, encoding: Encoding): Promise<DeltaBody> {
    const name = `${base.digest}.${encoding}`
    const known = this.#bodies.get(name) ?? this.#makeBody(name, delta, encoding)
    this.#bodies.set(name, known)
    return known
  }

  async #makePlan(base: Base, shared: readonly string[]): Promise<Delta | undefined> {
    const { store, record, manifest } = this.#source
    const found = await readRelease(store, record.app, base.release)
    if (found?.manifest.digest !== base.digest) return undefined
    const keys = releaseKeys(record.app, base.release, {
      format: found.archive.format,
      manifestFile: found.manifest.file,
    })
    return planDelta(await fetchManifest(store, keys.manifest, found), manifest, shared)
  }

  async #makeBody(name: string, delta: Delta, encoding: Encoding): Promise<DeltaBody> {
    const { directory, open } = this.#source
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

async function* bytes(buffer: Buffer): AsyncGenerator<Buffer> {
  yield buffer
}
