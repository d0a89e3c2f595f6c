import type { Git, ImportOptions } from '../ports.js'
import type { Identified } from './identify.js'
import { newBlobs } from './new-blobs.js'
import { builder } from './provenance.js'
import { idAt } from './tree-id.js'

/**
 * Deps paths that are a directory which some commit of ours has, by their tree's id. What a ref reaches is there to the last
 * blob, so none of it need be looked for.
 */
export async function wholeTrees(
  git: Git,
  deps: readonly string[],
  entries: readonly Identified[],
): Promise<ReadonlyMap<string, string>> {
  const [tags, caches] = await Promise.all([git.tags(), git.caches()])
  const ours = tags.filter(({ author }) => author === builder.email)
  const commits = new Set([...ours, ...caches].map(({ commit }) => commit))
  const known = new Map<string, string>()
  if (commits.size === 0) return known
  for (const path of deps) {
    const id = idAt(git, path, entries)
    const isFile = entries.some((entry) => entry.path.equals(Buffer.from(path)))
    if (id !== undefined && !isFile && (await git.idsAt([...commits], path)).includes(id)) known.set(path, id)
  }
  return known
}

/** The contents of entries, for an import. */
export function blobsOf(git: Git, entries: readonly Identified[]): NonNullable<ImportOptions['blobs']> {
  const where = { root: git.location.directory, algorithm: git.objectHash }
  return {
    ids: entries.map(({ id }) => id),
    bring: (missing) => newBlobs(where, entries, missing),
  }
}
