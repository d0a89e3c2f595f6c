import { constants, type Stats } from 'node:fs'
import { access, lstat, readdir, readlink } from 'node:fs/promises'
import { type Finding, checkLink, problemOfName } from './findings.js'

/** A file or link that goes into the release. Paths are bytes, relative to the release's root. */
export type Dependency =
  | { readonly type: 'file'; readonly path: Buffer; readonly executable: boolean; readonly size: number }
  | { readonly type: 'link'; readonly path: Buffer; readonly target: Buffer }

export interface DependencyTree {
  /** Each directory's entries in the order of their bytes. */
  readonly entries: readonly Dependency[]
  /** All that is wrong, so that one run tells all. */
  readonly findings: readonly Finding[]
}

/** Reads the names and kinds of everything below the deps paths (plain ones, see deps-paths.ts); contents are read later. */
export async function walkDependencies(root: string, paths: readonly string[]): Promise<DependencyTree> {
  const walk = new Walk(root)
  for (const path of paths) await walk.start(path)
  return { entries: walk.entries, findings: walk.findings }
}

class Walk {
  readonly entries: Dependency[] = []
  readonly findings: Finding[] = []
  private readonly root: Buffer

  constructor(private readonly rootPath: string) {
    this.root = Buffer.from(`${rootPath}/`)
  }

  /** Each step down to a deps path must be a real directory: a link would bring in what is somewhere else. */
  async start(depsPath: string): Promise<void> {
    const parts = depsPath.split('/')
    for (let depth = 1; depth < parts.length; depth++) {
      const parent = Buffer.from(parts.slice(0, depth).join('/'))
      const stats = await lstat(this.absolute(parent)).catch(() => undefined)
      if (stats?.isSymbolicLink() === true) {
        return this.error(
          Buffer.from(depsPath),
          `is below ${parent.toString()}, a symlink. Name where it leads to`,
        )
      }
    }
    const path = Buffer.from(depsPath)
    const stats = await lstat(this.absolute(path)).catch(() => undefined)
    if (stats === undefined)
      return this.error(path, 'build.deps names it, but there is no such file or directory')
    if (stats.isSymbolicLink())
      return this.error(path, 'build.deps names it, but it is a symlink. Name where it leads to')
    const before = this.entries.length
    const errors = this.errorCount()
    await this.visit(path, stats)
    const empty = this.entries.length === before && this.errorCount() === errors
    if (empty) this.error(path, 'build.deps names it, but there is nothing in it')
  }

  private async visit(path: Buffer, stats: Stats): Promise<void> {
    if (stats.isDirectory()) return this.directory(path)
    if (stats.isSymbolicLink()) return this.link(path)
    if (stats.isFile()) return this.file(path, stats)
    if (stats.isSocket()) return this.warning(path, 'a socket, left out')
    this.error(path, stats.isFIFO() ? "a named pipe, which git can't hold" : "a device, which git can't hold")
  }

  private async directory(path: Buffer): Promise<void> {
    const names = await readdir(this.absolute(path), { encoding: 'buffer' }).catch((error: unknown) => {
      this.error(path, `can't be read (${codeOf(error)})`)
    })
    if (names === undefined) return
    if (names.length === 0) this.warning(path, 'an empty directory, which git leaves out')
    for (const name of names.sort((a, b) => a.compare(b))) {
      const child = Buffer.concat([path, slash, name])
      const because = problemOfName(name)
      if (because !== undefined) {
        this.error(child, because)
        continue
      }
      const found = await lstat(this.absolute(child)).catch((error: unknown) => {
        this.error(child, `can't be read (${codeOf(error)})`)
      })
      if (found !== undefined) await this.visit(child, found)
    }
  }

  private async file(path: Buffer, stats: Stats): Promise<void> {
    const readable = await access(this.absolute(path), constants.R_OK).then(
      () => true,
      () => false,
    )
    if (!readable) return this.error(path, "can't be read")
    if ((stats.mode & 0o6000) !== 0)
      this.warning(path, 'set-user-ID or set-group-ID, which a release does not keep')
    // Git knows one exec bit, the owner's.
    this.entries.push({ type: 'file', path, executable: (stats.mode & 0o100) !== 0, size: stats.size })
  }

  private async link(path: Buffer): Promise<void> {
    const target = await readlink(this.absolute(path), { encoding: 'buffer' })
    if (path.toString('latin1').endsWith('/.gitmodules'))
      return this.error(path, 'git refuses a symlink of this name')
    const finding = checkLink(path, target, this.rootPath)
    if (finding !== undefined) this.findings.push(finding)
    if (finding?.severity !== 'error') this.entries.push({ type: 'link', path, target })
  }

  private absolute(path: Buffer): Buffer {
    return Buffer.concat([this.root, path])
  }

  private errorCount(): number {
    return this.findings.filter((finding) => finding.severity === 'error').length
  }

  private error(path: Buffer, because: string): void {
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
