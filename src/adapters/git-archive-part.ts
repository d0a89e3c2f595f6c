import type { Readable } from 'node:stream'
import type { PartOfTree } from '../ports.js'
import { allVerbatim, archiveFrom } from './git-archive.js'
import type { ScratchSpec } from './git-scratch.js'
import { objectIdOf, treeBody, writeObject } from './git-tree.js'

/**
 * Git gives all members of a tar the time of the commit, so that there must be one: of a tree with just these entries, and of nobody. It
 * is in the scratch repository only.
 */
export function openPart(
  scratch: ScratchSpec,
  { path, items, time, signal }: PartOfTree & { readonly signal?: AbortSignal | undefined },
): Readable {
  const prepare = async (gitDir: string): Promise<readonly string[]> => {
    const algorithm = scratch.objectFormat === 'sha256' ? 'sha256' : 'sha1'
    const tree = { type: 'tree', body: treeBody(items) } as const
    const who = `deliver <> ${time} +0000`
    const lines = [`tree ${objectIdOf(algorithm, tree)}`, `author ${who}`, `committer ${who}`, '', '']
    const commit = { type: 'commit', body: Buffer.from(lines.join('\n')) } as const
    await writeObject(gitDir, algorithm, tree)
    return [`--prefix=${path}/`, await writeObject(gitDir, algorithm, commit)]
  }
  return archiveFrom({ ...scratch, attributes: allVerbatim() }, prepare, signal)
}
