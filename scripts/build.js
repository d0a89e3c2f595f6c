// Compiles src/ to dist/, copies what the compiler does not (the programs that run on hosts), and bundles what `deliver` runs.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const assets = ['remote/agent', 'boot/program']

function compiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc')
  } catch {
    return undefined
  }
}

const tsc = compiler()
if (tsc === undefined) {
  console.error('deliver: typescript is not installed (npm ci without --omit=dev builds from source)')
  process.exit(existsSync(join(root, 'dist/bundle/cli.js')) ? 0 : 1)
}
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
for (const asset of assets) {
  // Anew, so that nothing stays that the source no longer has.
  rmSync(join(root, 'dist', asset), { recursive: true, force: true })
  cpSync(join(root, 'src', asset), join(root, 'dist', asset), { recursive: true })
}
// With the compiler came the bundler.
const { bundle } = await import('./bundle.js')
await bundle()
