import { pathToFileURL } from 'node:url'
import { libraryFile } from '../own-files.js'

/** The only file that loads jiti, which runs TypeScript and JavaScript of any module system without a compiler. */

/**
 * Runs a config file and gives what it exports as default (or as `module.exports`). `deliver-cli` is the running package, so
 * that an app needs no copy of its own for `defineConfig`. Rejects with whatever the file throws.
 */
export async function evaluate(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  // By Node itself: jiti would translate it all, and its errors would not be ours.
  const library: unknown = await import(pathToFileURL(libraryFile()).href)
  const jiti = createJiti(import.meta.url, {
    virtualModules: { 'deliver-cli': library },
    // The cache may be in the shared temporary directory, where others could plant code for us to run.
    fsCache: false,
    interopDefault: false,
  })
  const module: unknown = await jiti.import(file)
  if (typeof module !== 'object' || module === null) return module
  if ('default' in module) return module.default
  // An ES module without a default export has no config; what CommonJS exports is the config itself.
  return '__esModule' in module || Symbol.toStringTag in module ? undefined : module
}
