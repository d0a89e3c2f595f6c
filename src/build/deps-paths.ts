import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeliverError, messageOf } from '../errors.js'

/** Build.deps as written, made plain: no `./`, no trailing slash, none inside another. Throws for what can't be a path of the release. */
export function plainDepsPaths(paths: readonly string[]): readonly string[] {
  const plain = paths.map((path, index) => {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.')
    const because = problemOf(path, parts)
    if (because === undefined) return parts.join('/')
    throw new DeliverError('usage', `build.deps[${index}]: ${JSON.stringify(path)} ${because}`, {
      fix: 'Name a directory or file below the app, such as node_modules.',
    })
  })
  const unique = [...new Set(plain)].sort()
  return unique.filter((path) => !unique.some((other) => path.startsWith(`${other}/`)))
}

function problemOf(path: string, parts: readonly string[]): string | undefined {
  if (path.startsWith('/')) return 'is absolute'
  if (/\p{Cc}/u.test(path)) return 'has a control character'
  if (parts.length === 0) return 'names the whole app'
  if (parts.includes('..')) return 'leaves the app'
  if (parts.some((part) => part.toLowerCase() === '.git')) return 'is inside of a git directory'
  return undefined
}

/** What an app needs that has no build.deps: node_modules, if its package.json names something to install. */
export async function defaultDepsPaths(directory: string): Promise<readonly string[]> {
  const path = join(directory, 'package.json')
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return '{}'
    throw new DeliverError('precondition', `${path} can't be read: ${messageOf(cause)}`, {
      fix: 'Make it readable for the user that runs deliver.',
      cause,
    })
  })
  let manifest: unknown
  try {
    manifest = JSON.parse(text)
  } catch (cause) {
    throw new DeliverError('precondition', `${path} is not JSON`, {
      fix: 'Correct it, or set build.deps.',
      cause,
    })
  }
  return hasEntries(manifest, 'dependencies') || hasEntries(manifest, 'optionalDependencies')
    ? ['node_modules']
    : []
}

function hasEntries(manifest: unknown, name: string): boolean {
  const value: unknown =
    typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, name) : undefined
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}
