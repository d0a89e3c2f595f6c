import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Every path below a directory with its mode and content, for a comparison before and after. */
export function treeOf(directory: string): ReadonlyMap<string, string> {
  const tree = new Map<string, string>()
  for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const full = join(directory, path)
    const stat = lstatSync(full)
    const content = stat.isSymbolicLink()
      ? readlinkSync(full)
      : stat.isFile()
        ? readFileSync(full, 'base64')
        : ''
    tree.set(path, `${stat.mode.toString(8)} ${content}`)
  }
  return tree
}
