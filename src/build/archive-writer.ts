import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { DeliverError } from '../errors.js'
import type { Git } from '../ports.js'
import type { ArchiveFormat, Body, Manifest } from '../release/release.js'
import { checkDependenciesArchived } from './archive-check.js'
import { writeWhole } from './archive-files.js'
import type { ArchivePart } from './archive-parts.js'
import { compress } from './compressor.js'
import type { KnownParts, PlacedPart } from './known-parts.js'
import { ManifestBuilder } from './manifest-builder.js'
import { OpenedAhead } from './opened-ahead.js'
import { copyParts } from './part-copy.js'
import { directoryMember } from './tar-header.js'
import { tarMembers, withoutLead } from './tar-members.js'
import { tarSubtree } from './tar-subtree.js'

export interface WriteRequest {
  readonly git: Git
  /** Of the prebuilt tag. */
  readonly commit: string
  /** Of the commit, in seconds since 1970. */
  readonly time: number
  readonly deps: readonly string[]
  /** Those that are pieces of their own; none: the archive is one piece. */
  readonly parts: readonly ArchivePart[]
  /** Where some of them can be copied from. */
  readonly known: KnownParts | undefined
  readonly format: ArchiveFormat
  readonly level?: number | undefined
  readonly path: string
  readonly signal?: AbortSignal | undefined
}

export interface WrittenArchive {
  readonly manifest: Manifest
  readonly tar: UnpackedTar
  readonly archive: Body
  readonly packageFile: Buffer
  readonly parts: readonly PlacedPart[]
}

export interface UnpackedTar {
  /** Of what was copied, as much as it was when it was made. */
  readonly size: number
  /** Undefined when something was copied: nobody has seen what that unpacks to. */
  readonly sha256: string | undefined
}

const endMark = Buffer.alloc(1024)

/** One tar: the app's own files, then the parts, then the end. Each is compressed by itself, which every decompressor reads as one. */
export async function writeArchive(request: WriteRequest): Promise<WrittenArchive> {
  return new ArchiveWriter(request).write()
}

class ArchiveWriter {
  readonly #request: WriteRequest
  /** Of the tar; none where something of it is copied. */
  readonly #hash: Hash | undefined
  readonly #builder: ManifestBuilder
  readonly #parts: PlacedPart[] = []
  #tarSize = 0
  #written = 0
  #manifest: Manifest | undefined

  constructor(request: WriteRequest) {
    this.#request = request
    this.#builder = new ManifestBuilder(request.deps)
    const { parts, known } = request
    const isCopying = parts.some((part) => known?.placeOf(part) !== undefined)
    this.#hash = isCopying ? undefined : createHash('sha256')
  }

  async write(): Promise<WrittenArchive> {
    const archive = await writeWhole(this.#request.path, this.#counted(this.#pieces()))
    if (this.#manifest === undefined) throw new DeliverError('failed', 'the archive was not read to its end')
    const tar = { size: this.#tarSize, sha256: this.#hash?.digest('hex') }
    const { packageFile } = this.#builder
    return { manifest: this.#manifest, archive, packageFile, tar, parts: this.#parts }
  }

  async *#pieces(): AsyncGenerator<Buffer> {
    const { git, parts, known, signal } = this.#request
    const runs = runsOf(parts, known)
    const fresh = runs.flatMap((run) => (run.known === undefined ? run.parts : []))
    const opened = new OpenedAhead(fresh, (part) => git.archivePart({ ...part, signal }))
    try {
      yield* this.#packed(this.#own())
      for (const run of runs) {
        if (run.known) yield* this.#copied(run.parts, run.known)
        else for (const part of run.parts) yield* this.#fresh(part, await opened.take())
      }
      // With parts, the end is in none of them.
      if (parts.length > 0) yield* this.#packed(this.#end())
    } finally {
      await opened.close()
    }
  }

  async *#own(): AsyncGenerator<Buffer> {
    const { git, commit, deps, parts, signal } = this.#request
    const { subdirectory } = git.location
    const without = [...new Set(parts.map(({ path }) => path))]
    const raw = await git.archive(commit, {
      verbatim: deps,
      without,
      ...(signal === undefined ? {} : { signal }),
    })
    try {
      yield* tarMembers(
        subdirectory === '' ? (raw as AsyncIterable<Buffer>) : tarSubtree(raw, subdirectory),
        this.#builder,
      )
    } finally {
      raw.destroy()
    }
    yield* this.#directories(without)
    if (parts.length === 0) yield* this.#end()
  }

  /** Down to the parts, as far as nothing of the app is in them: an unpacked tree has them with a mode. */
  *#directories(paths: readonly string[]): Generator<Buffer> {
    for (const path of paths) {
      const names = path.split('/')
      for (let depth = 1; depth <= names.length; depth++) {
        const name = names.slice(0, depth).join('/')
        if (this.#builder.hasDirectory(name)) continue
        this.#builder.add([{ type: 'directory', path: Buffer.from(name) }])
        yield directoryMember(Buffer.from(name), this.#request.time)
      }
    }
  }

  async *#fresh(part: ArchivePart, raw: Readable): AsyncGenerator<Buffer> {
    const offset = this.#written
    const before = this.#tarSize
    const hash = createHash('sha256')
    try {
      for await (const chunk of this.#packed(tarMembers(withoutLead(raw), this.#builder))) {
        hash.update(chunk)
        yield chunk
      }
    } finally {
      raw.destroy()
    }
    const { path, tree } = part
    const [size, tarSize] = [this.#written - offset, this.#tarSize - before]
    this.#parts.push({ path, tree, offset, size, sha256: hash.digest('hex'), tarSize })
  }

  async *#copied(parts: readonly ArchivePart[], known: KnownParts): AsyncGenerator<Buffer> {
    const places = parts.flatMap((part) => known.placeOf(part) ?? [])
    let offset = this.#written
    yield* copyParts({ archive: known.archive, parts: places, signal: this.#request.signal })
    for (const place of places) {
      this.#parts.push({ ...place, offset })
      offset += place.size
      this.#tarSize += place.tarSize
    }
    for (const part of parts) this.#builder.add(known.entriesOf(part))
  }

  /** Checked before the compressor hears the end, so that a bad tar never becomes a whole file. */
  async *#end(): AsyncGenerator<Buffer> {
    const { git, commit, deps, parts, known } = this.#request
    this.#builder.push(endMark)
    const manifest = this.#builder.finish()
    // What was copied was checked when it was made.
    const isSeen = parts.some((part) => known?.placeOf(part) === undefined)
    const unseen = deps.filter((dep) => isSeen || !parts.some(({ path }) => path === dep))
    if (unseen.length > 0) await checkDependenciesArchived(git, commit, unseen, manifest)
    this.#manifest = manifest
    yield endMark
  }

  async *#packed(members: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { format, level, signal } = this.#request
    yield* compress(this.#seen(members), { format, level, signal })
  }

  async *#seen(members: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of members) {
      this.#see(chunk)
      yield chunk
    }
  }

  #see(members: Buffer): void {
    this.#hash?.update(members)
    this.#tarSize += members.length
  }

  async *#counted(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of packed) {
      this.#written += chunk.length
      yield chunk
    }
  }
}

interface Run {
  readonly parts: ArchivePart[]
  readonly known: KnownParts | undefined
}

/** Neighbours that are copied, and neighbours that are made. */
function runsOf(parts: readonly ArchivePart[], known: KnownParts | undefined): readonly Run[] {
  const runs: Run[] = []
  for (const part of parts) {
    const from = known?.placeOf(part) === undefined ? undefined : known
    const last = runs.at(-1)
    if (last !== undefined && last.known === from) last.parts.push(part)
    else runs.push({ parts: [part], known: from })
  }
  return runs
}
