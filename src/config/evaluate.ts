import { fileURLToPath } from 'node:url'

/** The only file that loads jiti, which runs TypeScript and JavaScript of any module system without a compiler. */

/**
 * Runs a config file and gives what it exports as default (or as `module.exports`). `deliver-cli` is the running package, so
 * that an app needs no copy of its own for `defineConfig`. Rejects with whatever the file throws.
 */
export async function evaluate(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(import.meta.url, {
    alias: { 'deliver-cli': fileURLToPath(new URL('../index', import.meta.url)) },
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
