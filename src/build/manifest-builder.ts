import { createHash, type Hash } from 'node:crypto'
import { DeliverError } from '../errors.js'
import { makeManifest } from '../release/manifest.js'
import type { Manifest, ManifestEntry } from '../release/release.js'
import { showPath } from './findings.js'
import { type TarMember, TarReader } from './tar-reader.js'

const lfsMark = Buffer.from('version https://git-lfs.github.com/spec/v1')

const packagePath = Buffer.from('package.json')
const largestPackageFile = 1024 * 1024

/** Makes the manifest of a tar that streams by, in one piece or in several that have an end mark each. */
export class ManifestBuilder {
  private readonly entries: ManifestEntry[] = []
  private readonly lfsPointers: Buffer[] = []
  private tar: TarReader
  private file: { member: TarMember; hash: Hash; head: Buffer } | undefined
  private readonly packageParts: Buffer[] = []

  /** Below the deps paths, files that look like LFS pointers are some package's own business. */
  constructor(private readonly deps: readonly string[]) {
    this.tar = this.reader()
  }

  private reader(): TarReader {
    return new TarReader({
      member: (member) => this.member(member),
      content: (chunk) => this.content(chunk),
      memberEnd: () => this.memberEnd(),
    })
  }

  push(chunk: Buffer): void {
    this.tar.push(chunk)
  }

  /** The last so many bytes pushed are no members yet: see TarReader. */
  get undecided(): number {
    return this.tar.undecided
  }

  /** Throws unless a tar came to its end. The next one is a piece of the same. */
  endPiece(): void {
    this.tar.end()
    this.tar = this.reader()
  }

  /** Entries that are known without being seen. */
  add(entries: readonly ManifestEntry[]): void {
    for (const entry of entries) this.entries.push(entry)
  }

  hasDirectory(path: string): boolean {
    const name = Buffer.from(path)
    return this.entries.some((entry) => entry.type === 'directory' && entry.path.equals(name))
  }

  /** The bytes of the app's own package.json; empty when it has none, or an enormous one. */
  get packageFile(): Buffer {
    return Buffer.concat(this.packageParts)
  }

  /** Throws unless all of the tar was seen and it can be a release. */
  finish(): Manifest {
    this.tar.end()
    if (this.lfsPointers.length > 0) throw lfsError(this.lfsPointers)
    return makeManifest(this.entries)
  }

  private member(member: TarMember): void {
    if (member.type === 'directory') this.entries.push({ type: 'directory', path: member.path })
    else if (member.type === 'link')
      this.entries.push({ type: 'link', path: member.path, target: member.target })
    else this.file = { member, hash: createHash('sha256'), head: Buffer.alloc(0) }
  }

  private content(chunk: Buffer): void {
    if (this.file === undefined) return
    this.file.hash.update(chunk)
    if (isPackageFile(this.file.member)) this.packageParts.push(Buffer.from(chunk))
    if (this.file.head.length < lfsMark.length) {
      this.file.head = Buffer.concat([this.file.head, chunk.subarray(0, lfsMark.length)])
    }
  }

  private memberEnd(): void {
    if (this.file === undefined) return
    const { member, hash, head } = this.file
    this.file = undefined
    const { path, size, mode } = member
    // A pointer is a few lines; a larger file only quotes one.
    const pointer = size < 1_024 && head.subarray(0, lfsMark.length).equals(lfsMark)
    if (pointer && !this.isDependency(path)) this.lfsPointers.push(path)
    this.entries.push({
      type: 'file',
      path,
      size,
      executable: (mode & 0o100) !== 0,
      sha256: hash.digest('hex'),
    })
  }

  private isDependency(path: Buffer): boolean {
    return this.deps.some(
      (dep) =>
        path.subarray(0, dep.length + 1).equals(Buffer.from(`${dep}/`)) || path.equals(Buffer.from(dep)),
    )
  }
}

function isPackageFile({ path, size }: { readonly path: Buffer; readonly size: number }): boolean {
  return size <= largestPackageFile && path.equals(packagePath)
}

function lfsError(paths: readonly Buffer[]): DeliverError {
  const shown = paths.slice(0, 10).map(showPath).join(', ')
  const more = paths.length > 10 ? ` and ${paths.length - 10} more` : ''
  return new DeliverError('precondition', `${shown}${more}: Git LFS pointers, not the files themselves`, {
    fix: 'Run `git lfs pull`, and name these paths in build.deps: what is in the work tree then goes into the release.',
  })
}
