import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dependency } from './dependencies.js'

/**
 * The installed packages whose install scripts may have read anything, such as the app's own files (a Prisma client is made from the
 * app's schema): the same lockfile need not make the same of them.
 */
export async function unknownScripts(
  root: string,
  entries: readonly Dependency[],
): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const { path } of entries) {
    const [, name] = packageFile.exec(path.toString('latin1')) ?? []
    if (name === undefined || selfContained.has(name)) continue
    const scripts = await scriptsOf(join(root, path.toString('utf8')))
    if (!scripts.every(isSelfContained)) found.add(name)
  }
  return [...found].sort()
}

const packageFile = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/@.][^/]*)\/package\.json$/

/** A file that can't be read or parsed is none that an installer would have taken scripts from. */
async function scriptsOf(path: string): Promise<readonly string[]> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    const scripts: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, 'scripts') : undefined
    if (typeof scripts !== 'object' || scripts === null) return []
    const each: unknown[] = ['preinstall', 'install', 'postinstall'].map((step): unknown =>
      Reflect.get(scripts, step),
    )
    return each.filter((script) => typeof script === 'string')
  } catch {
    return []
  }
}

/** Builders of native code, which read the package that they are run in, the compiler and Node's headers. */
const builders =
  /^(node-gyp( rebuild)?|node-gyp-build(-optional-packages)?|prebuild-install( -r napi| --runtime napi)?|node-pre-gyp install( --fallback-to-build)?|exit 0|true)$/

function isSelfContained(script: string): boolean {
  if (script === '') return true
  return script.split('||').every((part) => builders.test(part.trim()))
}

/** Their scripts were read: they look for or build a binary of their own, or print something. */
const selfContained: ReadonlySet<string> = new Set([
  'sharp',
  'esbuild',
  'ssh2',
  'cpu-features',
  'core-js',
  'core-js-pure',
])
