import { createHash } from 'node:crypto'
import type { Git, PartOfTree, TreeItem } from '../ports.js'

/**
 * Some neighbouring entries of a directory of installed packages. An archive has them as a piece of its own, tar members and
 * compression, which is the same bytes in every archive that has the same entries, and is copied from the last one.
 */
export interface ArchivePart extends PartOfTree {
  /** Git's id of a tree of just these entries: what the bytes are made from, but for the path. */
  readonly tree: string
}

/**
 * The parts of a release's archive: of all `node_modules` among its deps paths, in the order of the archive. Only these, for installers give
 * packages times without a meaning (npm: 1985), so that nobody relies on them.
 */
export async function partsOf(
  git: Git,
  commit: string,
  deps: readonly string[],
): Promise<readonly ArchivePart[]> {
  const paths = deps.filter((path) => /(^|\/)node_modules$/.test(path))
  if (paths.length === 0) return []
  const [top, ...children] = await Promise.all(['', ...paths].map((path) => git.children(commit, path)))
  // Git refuses to archive the rest when there is none.
  const tops = paths.map((path) => Buffer.from(path.split('/')[0] ?? ''))
  if (!(top ?? []).some(({ name }) => !tops.some((each) => each.equals(name)))) return []
  const parts: ArchivePart[] = []
  for (const [at, path] of paths.entries()) {
    for (const items of groupsOf(children[at] ?? [])) {
      const tree = git.treeOf(items)
      parts.push({ path, items, tree, time: timeOf(tree) })
    }
  }
  return parts
}

/**
 * Cut where the hash of a name says so: a package more or less changes one group, and not where all others begin. What installers
 * write beside packages (`.bin`, `.package-lock.json`) changes with each of them, and is a group of its own.
 */
export function groupsOf(items: readonly TreeItem[]): readonly (readonly TreeItem[])[] {
  const groups: TreeItem[][] = []
  let wasDotted = false
  for (const item of items) {
    const isDotted = item.name[0] === 0x2e
    const group = groups.at(-1)
    if (group === undefined || wasDotted !== isDotted || (!isDotted && isCut(item.name))) groups.push([item])
    else group.push(item)
    wasDotted = isDotted
  }
  return groups
}

/** One name in two: more would start git and zstd too often, fewer would make large packages anew with their neighbours. */
function isCut(name: Buffer): boolean {
  return createHash('sha256').update(name).digest().readUInt8() % 2 === 0
}

/**
 * A time that is always the same for a tree, in every clone and release, and another one for another tree: caches of what is served from
 * packages tell files by size and time. It lies between 2001 and 2010, and so never in the future.
 */
function timeOf(tree: string): number {
  return 1_000_000_000 + parseInt(tree.slice(0, 7), 16)
}
