/** The examples as they lie in the repository. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../docs/pages.js'

export const home = join(root, 'examples')

export interface ExampleFile {
  /** `github-actions/.github/workflows/deploy.yml`. */
  readonly path: string
  readonly text: string
}

/** What a person would copy: no npm lockfile, and nothing that npm installed. */
export const files: readonly ExampleFile[] = readdirSync(home, {
  recursive: true,
  encoding: 'utf8',
  withFileTypes: true,
})
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => join(parentPath, name).slice(home.length + 1))
  .filter((path) => !/(^|\/)(node_modules|package-lock\.json)(\/|$)/.test(path))
  .sort()
  .map((path) => ({ path, text: read(path) }))

/** Directories that have a config. */
export const configured: readonly string[] = files.flatMap(({ path }) => {
  const [, directory] = /^([^/]+)\/deliver\.config\.\w+$/.exec(path) ?? []
  return directory === undefined ? [] : [directory]
})

export function read(path: string): string {
  return readFileSync(join(home, path), 'utf8')
}
