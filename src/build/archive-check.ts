import { DeliverError } from '../errors.js'
import type { Git, TreeEntry } from '../ports.js'
import type { Manifest, ManifestEntry } from '../release/release.js'
import { showPath } from './findings.js'

/**
 * What was installed must be in the archive, whole. Attributes can't change what is below the deps paths, but they can leave out a directory
 * above, and a rule of git that we don't know of would go unnoticed.
 */
export async function checkDependenciesArchived(
  git: Git,
  commit: string,
  deps: readonly string[],
  manifest: Manifest,
): Promise<void> {
  const archived = new Map(manifest.entries.map((entry) => [entry.path.toString('latin1'), entry]))
  const bases = deps.map((dep) => Buffer.from(dep).toString('latin1'))
  for await (const entry of git.entries(commit)) {
    const path = entry.path.toString('latin1')
    if (!bases.some((base) => path === base || path.startsWith(`${base}/`))) continue
    const found = archived.get(path)
    if (found !== undefined && isSame(entry, found)) continue
    throw new DeliverError(
      'failed',
      `${showPath(entry.path)}: ${found === undefined ? 'missing' : 'changed'} in the archive`,
      {
        fix: 'Look for an attribute in a .gitattributes file (such as export-ignore) that matches it or a directory above.',
      },
    )
  }
}

function isSame(entry: TreeEntry, found: ManifestEntry): boolean {
  if (found.type === 'link') return entry.kind === 'link' && entry.size === found.target.length
  if (found.type === 'directory') return false
  return entry.kind === (found.executable ? 'executable' : 'file') && entry.size === found.size
}
