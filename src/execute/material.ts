import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '../ports.js'
import { listingBytes } from '../release/listing.js'
import type { ReleaseRecord } from '../release/release.js'
import type { Encoding, Signed } from '../remote/verbs.js'
import { releaseKeys } from '../store/layout.js'
import type { Room } from './facts.js'
import { makePrivateDirectory } from './private-directory.js'
import { DeltaPlans, Deltas } from './deltas.js'
import { readSigned } from './signed.js'
import { fetchBody, fetchManifest, writeBody, type LocalBody } from './local-body.js'
import { lazily } from '../lazily.js'

const loadRecompress = lazily(() => import('./recompress.js'))
const loadDecompressor = lazily(() => import('../build/decompressor.js'))

/** All that staging a release on hosts takes, verified against its record. */
export interface ReleaseMaterial {
  readonly release: string
  /** sha256 of the listing. */
  readonly digest: string
  readonly listing: Buffer
  /** How the published archive is compressed. */
  readonly encoding: Encoding
  /** The archive in another compression is made once, when the first host needs it. */
  archive(encoding: Encoding): Promise<LocalBody>
  /** From another release to this one; made once for all hosts that have that. */
  readonly deltas: Deltas
  /** For hosts that take signed releases only; undefined: it has no signature. */
  readonly signed?: Signed
  close(): Promise<void>
}

export const encodings = { 'tar.zst': 'zstd', 'tar.gz': 'gzip', tar: 'none' } as const

/** What a host of a dry run would be sent, without the archive. */
export async function openPlans(store: Store, record: ReleaseRecord): Promise<DeltaPlans> {
  const keys = releaseKeys(record.app, record.release, {
    format: record.archive.format,
    manifestFile: record.manifest.file,
  })
  return new DeltaPlans(store, record, await fetchManifest(store, keys.manifest, record))
}

/** Room for the archive as it comes, the tree, and its listing. */
export function roomFor(record: ReleaseRecord): Room {
  const slack = 1.1
  // A file takes whole blocks, so that many small ones take more than their bytes.
  const tree = record.manifest.bytes + record.manifest.entries * 4096
  const bytes = Math.ceil((record.archive.size + tree) * slack)
  return { bytes, inodes: Math.ceil(record.manifest.entries * slack) + 100 }
}

/**
 * Fetches a release from the store into a private directory, and checks every byte against its record, so that the store
 * is read once however many hosts there are, and nothing that changed since it was published reaches one.
 */
export async function openMaterial(
  store: Store,
  record: ReleaseRecord,
  signal?: AbortSignal,
): Promise<ReleaseMaterial> {
  const keys = releaseKeys(record.app, record.release, {
    format: record.archive.format,
    manifestFile: record.manifest.file,
  })
  const directory = await makePrivateDirectory(Date.now())
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const manifest = await fetchManifest(store, keys.manifest, record)
    const listing = listingBytes(manifest)
    const published = await fetchBody(store, keys.archive, join(directory, 'archive'), {
      expected: record.archive,
      ...(signal === undefined ? {} : { signal }),
    })
    const encoding = encodings[record.archive.format]
    const { recompress } = await loadRecompress()
    const { decompress } = await loadDecompressor()
    const signed = await readSigned(store, record)
    const deltas = new Deltas({
      plans: new DeltaPlans(store, record, manifest),
      directory,
      open: () => decompress(published.open(), encoding),
    })
    const made = new Map<Encoding, Promise<LocalBody>>([[encoding, Promise.resolve(published)]])
    return {
      release: record.release,
      digest: record.manifest.digest,
      listing,
      encoding,
      archive: (wanted) => {
        const known =
          made.get(wanted) ??
          writeBody(join(directory, wanted), recompress(published.open(), encoding, wanted))
        made.set(wanted, known)
        return known
      },
      deltas,
      ...(signed === undefined ? {} : { signed }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
