import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mustRun } from './command.js'

/** Where what is expensive to make survives the run: base images, installed packages. Never inside the repository. */
export async function cacheDirectory(): Promise<string> {
  const xdg = process.env['XDG_CACHE_HOME']
  const directory = join(
    xdg !== undefined && xdg.startsWith('/') ? xdg : join(homedir(), '.cache'),
    'deliver-lab',
  )
  await mkdir(directory, { recursive: true })
  return directory
}

/**
 * The directory that `recipe` (an executable beside this file or a given path) makes when called with it, built once
 * per content of the recipe. Many processes may ask at once; one builds.
 */
export async function builtOnce(name: string, recipe: string, args: readonly string[] = []): Promise<string> {
  const hash = createHash('sha256').update(await readFile(recipe))
  for (const argument of args) hash.update('\0').update(argument)
  const cache = await cacheDirectory()
  const target = join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`)
  if (!existsSync(target)) {
    const lock = join(cache, `${name}.lock`)
    await mustRun('flock', [lock, recipe, target, ...args], { timeout: 10 * 60_000 })
  }
  return target
}

/** Debian's awscli with all that it needs, to lie below the base image. */
export function awscliLayer(): Promise<string> {
  return builtOnce('awscli', fileURLToPath(new URL('build-awscli.sh', import.meta.url)))
}

export function baseImage(): Promise<string> {
  return builtOnce('base', fileURLToPath(new URL('build-base.sh', import.meta.url)))
}
