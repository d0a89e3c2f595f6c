import { accessSync, constants, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type Finding, checkLink, problemOfName } from './findings.js'

/** A file or link that goes into the release. Paths are bytes, relative to the release's root. */
export type Dependency =
  | { readonly type: 'file'; readonly path: Buffer; readonly executable: boolean; readonly size: number }
  | { readonly type: 'link'; readonly path: Buffer; readonly target: Buffer }

/** What is never all the same again once somebody has written to a file, its times being those of its own disk. */
export interface FileStamp {
  readonly size: number
  /** Milliseconds since 1970, with what a double holds of the fraction: a quarter of a microsecond. */
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly ino: number
}

export interface DependencyTree {
  /** Each directory's entries in the order of their bytes. */
  readonly entries: readonly Dependency[]
  /** Of each file among the entries, as it was found. */
  readonly stamps: ReadonlyMap<Dependency, FileStamp>
  /** Directories without anything in them, which a release doesn't have. */
  readonly emptyDirectories: readonly Buffer[]
  /** Whether git can hold all of it, but for the empty directories. */
  readonly exact: boolean
  /** All that is wrong, so that one run tells all. */
  readonly findings: readonly Finding[]
}

/**
 * Reads the names and kinds of everything below the deps paths (plain ones, see deps-paths.ts); contents are read later. In one go
 * for each path: asynchronous calls for every file take ten times the CPU, and there may be tens of thousands.
 */
export async function walkDependencies(root: string, paths: readonly string[]): Promise<DependencyTree> {
  const walk = new Walk(root)
  for (const path of paths) {
    walk.start(path)
    await setImmediate()
  }
  const { entries, findings, stamps, emptyDirectories, exact } = walk
  return { entries, findings, stamps, emptyDirectories, exact }
}

class Walk {
  readonly entries: Dependency[] = []
  readonly findings: Finding[] = []
  readonly stamps = new Map<Dependency, FileStamp>()
  readonly emptyDirectories: Buffer[] = []
  exact = true
  private readonly root: Buffer

  constructor(private readonly rootPath: string) {
    this.root = Buffer.from(`${rootPath}/`)
  }

  /** Each step down to a deps path must be a real directory: a link would bring in what is somewhere else. */
  start(depsPath: string): void {
    const parts = depsPath.split('/')
    for (let depth = 1; depth < parts.length; depth++) {
      const parent = Buffer.from(parts.slice(0, depth).join('/'))
      const stats = this.look(parent)
      if (stats?.isSymbolicLink() === true) {
        return this.error(
          Buffer.from(depsPath),
          `is below ${parent.toString()}, a symlink. Name where it leads to`,
        )
      }
    }
    const path = Buffer.from(depsPath)
    const stats = this.look(path)
    if (stats === undefined)
      return this.error(path, 'build.deps names it, but there is no such file or directory')
    if (stats.isSymbolicLink())
      return this.error(path, 'build.deps names it, but it is a symlink. Name where it leads to')
    const before = this.entries.length
    const errors = this.errorCount()
    this.visit(path, stats)
    const empty = this.entries.length === before && this.errorCount() === errors
    if (empty) this.error(path, 'build.deps names it, but there is nothing in it')
  }

  private visit(path: Buffer, stats: Stats): void {
    if (stats.isDirectory()) return this.directory(path)
    if (stats.isSymbolicLink()) return this.link(path)
    if (stats.isFile()) return this.file(path, stats)
    this.exact = false
    if (stats.isSocket()) return this.warning(path, 'a socket, left out')
    this.error(path, stats.isFIFO() ? "a named pipe, which git can't hold" : "a device, which git can't hold")
  }

  private directory(path: Buffer): void {
    const names = this.attempt(path, () => readdirSync(this.absolute(path), { encoding: 'buffer' }))
    if (names === undefined) return
    if (names.length === 0) {
      this.emptyDirectories.push(path)
      this.warning(path, 'an empty directory, which git leaves out')
    }
    for (const name of names.sort((a, b) => a.compare(b))) {
      const child = Buffer.concat([path, slash, name])
      const because = problemOfName(name)
      if (because !== undefined) {
        this.error(child, because)
        continue
      }
      const found = this.attempt(child, () => lstatSync(this.absolute(child)))
      if (found !== undefined) this.visit(child, found)
    }
  }

  private file(path: Buffer, stats: Stats): void {
    if (!this.isReadable(path, stats)) return this.error(path, "can't be read")
    if ((stats.mode & 0o6000) !== 0) {
      this.exact = false
      this.warning(path, 'set-user-ID or set-group-ID, which a release does not keep')
    }
    const { size, mtimeMs, ctimeMs, ino } = stats
    // Git knows one exec bit, the owner's.
    const entry = { type: 'file', path, executable: (stats.mode & 0o100) !== 0, size } as const
    this.entries.push(entry)
    this.stamps.set(entry, { size, mtimeMs, ctimeMs, ino })
  }

  /** What everybody may read needs no call; an access list that says otherwise shows when the file is read. */
  private isReadable(path: Buffer, { mode }: Stats): boolean {
    if ((mode & 0o444) === 0o444) return true
    try {
      accessSync(this.absolute(path), constants.R_OK)
      return true
    } catch {
      return false
    }
  }

  private link(path: Buffer): void {
    const target = this.attempt(path, () => readlinkSync(this.absolute(path), { encoding: 'buffer' }))
    if (target === undefined) return
    if (path.toString('latin1').endsWith('/.gitmodules'))
      return this.error(path, 'git refuses a symlink of this name')
    const finding = checkLink(path, target, this.rootPath)
    if (finding !== undefined) this.findings.push(finding)
    if (finding?.severity === 'error') this.exact = false
    else this.entries.push({ type: 'link', path, target })
  }

  private look(path: Buffer): Stats | undefined {
    try {
      return lstatSync(this.absolute(path))
    } catch {
      return undefined
    }
  }

  private attempt<T>(path: Buffer, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      this.error(path, `can't be read (${codeOf(error)})`)
      return undefined
    }
  }

  private absolute(path: Buffer): Buffer {
    return Buffer.concat([this.root, path])
  }

  private errorCount(): number {
    return this.findings.filter((finding) => finding.severity === 'error').length
  }

  private error(path: Buffer, because: string): void {
    this.exact = false
    this.findings.push({ severity: 'error', path, because })
  }

  private warning(path: Buffer, because: string): void {
    this.findings.push({ severity: 'warning', path, because })
  }
}

const slash = Buffer.from('/')

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
