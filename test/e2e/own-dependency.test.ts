import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Place } from './place.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** As `npm install --save-dev deliver-cli` would: the package in the app's node_modules, with what it needs beside it. */
function installInto(app: string): string {
  const own = join(app, 'node_modules', 'deliver-cli')
  mkdirSync(own, { recursive: true })
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(root, part), join(own, part), { recursive: true })
  const lock: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  for (const path of productionPackages(lock)) {
    const from = join(root, path)
    if (existsSync(from)) cpSync(from, join(app, path), { recursive: true, verbatimSymlinks: true })
  }
  return join(own, 'bin', 'deliver.js')
}

function productionPackages(lock: unknown): readonly string[] {
  if (typeof lock !== 'object' || lock === null || !('packages' in lock)) return []
  return Object.entries(lock.packages ?? {}).flatMap(([path, entry]: [string, unknown]) => {
    const development = typeof entry === 'object' && entry !== null && 'dev' in entry && entry.dev === true
    return path === '' || development ? [] : [path]
  })
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(child, 'close')
  return { code: child.exitCode, output }
}

test('a ship goes on when its setup removes deliver itself, and says so', { timeout: 180_000 }, async () => {
  const place = await Place.create(1)
  place.change('v1')
  const program = installInto(place.directory)
  // What the setup of this place does is what `npm ci --omit=dev` does: node_modules is removed and made anew.
  const { code, output } = await run(program, ['--plain', 'ship', '--tag', 'v1'], place.directory)
  expect(code, output).toBe(0)
  expect(readdirSync(join(place.directory, 'node_modules'))).toEqual(['greet'])
  expect(output).toContain('setup removed deliver itself')
  expect(await place.running()).toEqual(['web1 v1'])

  place.change('v2', 'broken')
  const broken = await run(installInto(place.directory), ['--plain', 'ship', '--tag', 'v2'], place.directory)
  expect(broken.code, broken.output).toBe(5)
  expect(await place.running()).toEqual(['web1 v1'])
})
