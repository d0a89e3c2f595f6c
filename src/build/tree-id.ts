import type { Git, TreeItem } from '../ports.js'
import type { Identified } from './identify.js'

interface Directory {
  readonly children: Map<string, Directory | Identified>
}

/** The id that git gives to the tree, or file, at a path of which these are all the entries. Undefined when there are none. */
export function idAt(
  git: Pick<Git, 'treeOf'>,
  path: string,
  entries: readonly Identified[],
): string | undefined {
  const root = empty()
  // Entries of a directory mostly follow one another.
  let last = { path: '', directory: root }
  for (const entry of entries) {
    const name = entry.path.toString('latin1')
    const end = name.lastIndexOf('/')
    const parent = name.slice(0, Math.max(end, 0))
    if (parent !== last.path) last = { path: parent, directory: directoryAt(root, parent) }
    last.directory.children.set(name.slice(end + 1), entry)
  }
  let found: Directory | Identified | undefined = root
  for (const name of Buffer.from(path).toString('latin1').split('/'))
    found = found !== undefined && isDirectory(found) ? found.children.get(name) : undefined
  return found === undefined ? undefined : isDirectory(found) ? treeId(git, found) : found.id
}

/** Makes it, with those above, unless it is there. */
function directoryAt(root: Directory, path: string): Directory {
  let at = root
  for (const name of path.split('/')) {
    const next = at.children.get(name)
    const directory = next !== undefined && isDirectory(next) ? next : empty()
    at.children.set(name, directory)
    at = directory
  }
  return at
}

function treeId(git: Pick<Git, 'treeOf'>, { children }: Directory): string {
  const rows = [...children].map(([name, child]): { readonly key: string; readonly item: TreeItem } => {
    const bytes = Buffer.from(name, 'latin1')
    // Git sorts directories as if their names ended in a slash.
    return isDirectory(child)
      ? { key: `${name}/`, item: { mode: '40000', id: treeId(git, child), name: bytes } }
      : { key: name, item: { mode: modeOf(child), id: child.id, name: bytes } }
  })
  rows.sort((a, b) => (a.key < b.key ? -1 : 1))
  return git.treeOf(rows.map(({ item }) => item))
}

/** As git writes modes. */
export function modeOf(entry: Identified): '120000' | '100755' | '100644' {
  if (entry.type === 'link') return '120000'
  return entry.executable ? '100755' : '100644'
}

function empty(): Directory {
  return { children: new Map() }
}

function isDirectory(node: Directory | Identified): node is Directory {
  return 'children' in node
}
