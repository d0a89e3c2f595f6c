import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'bin', 'deliver.js')
const dist = join(root, 'dist')
const bundle = join(dist, 'bundle')
const files = readdirSync(bundle, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.js'),
)
const texts = files.map((path) => readFileSync(join(bundle, path), 'utf8'))

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'deliver-bundle-'))
  execFileSync('git', ['init', '-q', scratch])
})
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true })
})

test('what it does not hold is installed with it', () => {
  const imported = texts.flatMap((text) => [
    ...[...text.matchAll(/^(?:import|export)\b[^'"\n]*?["']([^"'\n]+)["'];$/gm)].map(([, of = '']) => of),
    ...[...text.matchAll(/\bimport\("([^"]+)"\)/g)].map(([, of = '']) => of),
    ...[...text.matchAll(/\b__require\("([^"]+)"\)/g)].map(([, of = '']) => of),
  ])
  const packages = new Set(imported.filter((of) => !of.startsWith('.') && !of.startsWith('node:')))
  for (const of of builtinModules) packages.delete(of)
  expect([...packages]).toEqual(expect.arrayContaining(['commander', 'p-limit', 'ssh2', 'tar']))
  expect([...packages].filter((of) => !(of in packageJson.dependencies))).toEqual([])
})

test('of the packages that it holds it has what is used', () => {
  expect(texts.some((text) => text.includes('node_modules/zod/v4/classic/schemas.js'))).toBe(true)
  expect(texts.filter((text) => text.includes('node_modules/zod/v4/locales/de.js'))).toEqual([])
})

test('a config that imports deliver-cli gets the modules that run', () => {
  const config = `import { DeliverError, defineConfig } from 'deliver-cli'
export default defineConfig({
  app: 'x', store: { directory: 'store' }, target: { path: '/srv/x' },
  fleet: () => { throw new DeliverError('locked', 'the inventory is closed') },
})
`
  for (const name of ['a.config.ts', 'b.config.mjs']) {
    writeFileSync(join(scratch, name), config)
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(telling)}`, program, '-c', name, 'status'],
      { cwd: scratch, encoding: 'utf8' },
    )
    const loaded = [...stdout.matchAll(/^LOADED (.*)$/gm)].map(([, url = '']) => url)
    expect(loaded.some((url) => url.endsWith('/dist/bundle/index.js'))).toBe(true)
    expect(loaded.filter((url) => url.includes(dist) && !url.includes('/bundle/'))).toEqual([])
    expect(new Set(loaded).size).toBe(loaded.length)
    expect(stderr).toContain('the inventory is closed')
  }
})

const telling = `import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`import { writeSync } from 'node:fs'
export async function load(url, context, next) { writeSync(1, 'LOADED ' + url + '\\\\n'); return next(url, context) }\`))`
