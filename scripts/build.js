// Compiles src/ to dist/, copies what the compiler does not (the programs that run on hosts), and bundles what `deliver` runs. Nothing to do
// where dist/ is what these sources made.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const assets = ['remote/agent', 'boot/program']
const stamp = join(dist, '.built')

function compiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc')
  } catch {
    return undefined
  }
}

function filesBelow(directory) {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Of all that the build reads, by content. */
function stateOfSources() {
  const hash = createHash('sha256')
  const others = [
    'scripts/build.js',
    'scripts/bundle.js',
    'tsconfig.json',
    'package-lock.json',
    'package.json',
  ]
  for (const file of [...filesBelow(join(root, 'src')), ...others.map((name) => join(root, name))]) {
    const content = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** Of all that it made, by size: who removes a file of dist/ wants it made again. */
function stateOfDist() {
  const hash = createHash('sha256')
  for (const file of filesBelow(dist))
    if (file !== stamp) hash.update(`${relative(root, file)}\0${statSync(file).size}\0`)
  return hash.digest('hex')
}

const tsc = compiler()
if (tsc === undefined) {
  console.error('deliver: typescript is not installed (npm ci without --omit=dev builds from source)')
  process.exit(existsSync(join(dist, 'bundle/cli.js')) ? 0 : 1)
}
const [sources, made] = existsSync(stamp) ? readFileSync(stamp, 'utf8').split('\n') : []
if (made !== stateOfDist()) {
  // The compiler makes nothing again that it remembers to have made.
  rmSync(dist, { recursive: true, force: true })
} else if (sources === stateOfSources()) {
  process.exit(0)
}
rmSync(stamp, { force: true })
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
for (const asset of assets) {
  // Anew, so that nothing stays that the source no longer has.
  rmSync(join(dist, asset), { recursive: true, force: true })
  cpSync(join(root, 'src', asset), join(dist, asset), { recursive: true })
}
// With the compiler came the bundler.
const { bundle } = await import('./bundle.js')
await bundle()
writeFileSync(stamp, `${stateOfSources()}\n${stateOfDist()}`)
