import { listingBytes } from '../release/listing.js'
import { encodeManifest } from '../release/manifest.js'
import type { Body, Manifest } from '../release/release.js'
import type { Reporter } from '../report/events.js'
import { type ArchiveFiles, writeWhole } from './archive-files.js'
import { writeArchive, type WriteRequest, type WrittenArchive } from './archive-writer.js'
import { DamagedPart } from './part-copy.js'
import { unpackedBody } from './unpacked-body.js'

export interface PackRequest extends Omit<WriteRequest, 'path'> {
  readonly files: ArchiveFiles
  readonly reporter: Reporter
}

export interface PackedRelease {
  readonly manifest: Manifest
  readonly manifestBody: Body
  readonly listing: Buffer
  readonly archive: Body
  readonly tar: Body
  readonly packageFile: Buffer
  readonly parts: WrittenArchive['parts']
}

/** Writes archive and manifest, with what an earlier archive has of it; without, when that isn't as it was. */
export async function packRelease(request: PackRequest): Promise<PackedRelease> {
  try {
    return await pack(request)
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error
    request.reporter.event({ type: 'warning', text: `${error.message}, so all of it is made anew` })
    return pack({ ...request, known: undefined })
  }
}

async function pack(request: PackRequest): Promise<PackedRelease> {
  const { files } = request
  const written = await writeArchive({ ...request, path: files.archive })
  const done = new AbortController()
  const tar = tarOf(request, written, done.signal)
  // Awaited below, unless something else fails before.
  tar.catch(() => undefined)
  try {
    const { manifest, archive, packageFile, parts } = written
    const manifestBody = await writeWhole(files.manifest, [await encodeManifest(manifest)])
    const listing = listingBytes(manifest)
    return { manifest, manifestBody, listing, archive, packageFile, parts, tar: await tar }
  } finally {
    done.abort()
  }
}

/** What was copied has not been seen unpacked, so the archive is read back: it must unpack to as much as its parts did. */
async function tarOf(
  { files, format, known, signal }: PackRequest,
  { tar }: WrittenArchive,
  done: AbortSignal,
): Promise<Body> {
  const { sha256, size } = tar
  if (sha256 !== undefined) return { size, sha256 }
  const either = signal === undefined ? done : AbortSignal.any([signal, done])
  const from = known?.archive ?? files.archive
  const found = await unpackedBody({ path: files.archive, format, signal: either }).catch(
    (cause: unknown) => {
      either.throwIfAborted()
      throw new DamagedPart(`${from} has parts that can't be unpacked`, { cause })
    },
  )
  if (found.size === size) return found
  throw new DamagedPart(`${from} has parts that unpack to ${found.size} bytes, not ${size}`)
}
