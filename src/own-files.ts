import { existsSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

let found: { readonly root: string; readonly tree: string } | undefined

/** A file at the top of deliver's package. */
export function packageFile(name: string): string {
  return join(own().root, name)
}

/** What src/ holds for others to run, by its path there: a build copies it to dist/, wherever the modules themselves went. */
export function ownFile(path: string): string {
  return join(own().tree, path)
}

/** Found from where this module is: in src/, in dist/, or in one file with others below dist/. */
function own(): { readonly root: string; readonly tree: string } {
  if (found !== undefined) return found
  const here = dirname(fileURLToPath(import.meta.url))
  let root = here
  while (!existsSync(join(root, 'package.json'))) root = dirname(root)
  const [tree = ''] = relative(root, here).split(sep)
  return (found = { root, tree: join(root, tree) })
}

/** What a config imports as `deliver-cli`: made of the modules that already run. */
export function libraryFile(): string {
  const bundled = ownFile('bundle/index.js')
  return existsSync(bundled) ? bundled : ownFile('index')
}
