import { setImmediate } from 'node:timers/promises'
import { blobId, blobIdOfFile, type ObjectHash } from './blob.js'
import type { Dependency, DependencyTree } from './dependencies.js'
import type { StampIndex } from './stamp-index.js'

/** Entries with the ids of their blobs. */
export type Identified = Dependency & { readonly id: string }

export interface IdentifiedTree {
  readonly entries: readonly Identified[]
  /** How many files had to be read. */
  readonly read: number
}

/** Ms without a look at what else there is to do: an interrupt, the output of a child. */
const slice = 50

/** The blob ids of a tree: known ones of files that are provably as they were, and else by reading. */
export async function identify(
  { root, algorithm }: { readonly root: string; readonly algorithm: ObjectHash },
  tree: DependencyTree,
  index: StampIndex,
  signal?: AbortSignal,
): Promise<IdentifiedTree> {
  const entries: Identified[] = []
  let read = 0
  let paused = performance.now()
  for (const entry of tree.entries) {
    if (performance.now() - paused > slice) {
      await setImmediate()
      signal?.throwIfAborted()
      paused = performance.now()
    }
    if (entry.type === 'link') {
      entries.push({ ...entry, id: blobId(algorithm, entry.target) })
      continue
    }
    const known = index.idOf(entry.path, tree.stamps.get(entry))
    if (known === undefined) read++
    entries.push({ ...entry, id: known ?? (await blobIdOfFile(algorithm, root, entry)) })
  }
  return { entries, read }
}
