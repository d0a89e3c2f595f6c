import { createHash } from 'node:crypto'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SecretText } from '../config/secret.js'
import { DeliverError } from '../errors.js'
import { machineFacts } from './install-machine.js'

export interface KeyRequest {
  /** Of the app. */
  readonly directory: string
  /** Of the app in its repository; '' for the root. */
  readonly subdirectory: string
  readonly command: string
  /** What the command is given over its caller's environment. */
  readonly buildEnv: Readonly<Record<string, SecretText>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Deps paths that the key stands for. */
  readonly paths: readonly string[]
  /** More files and directories that decide, relative to the app. */
  readonly files: readonly string[]
  /** The command is nothing but an installer, which reads no version and no script that an install doesn't run. */
  readonly installer: boolean
}

/** What decides the dependencies, in one hash: 40 hex digits. Throws for a file that the config names and that isn't there. */
export async function depsKey(request: KeyRequest): Promise<string> {
  const hash = createHash('sha256')
  const add = (name: string, value: string | Buffer): void => {
    const bytes = Buffer.from(value)
    hash.update(`${name} ${bytes.length}\n`).update(bytes)
  }
  const { directory, subdirectory, command, buildEnv, env, paths, installer } = request
  add('format', '1')
  add('place', JSON.stringify([subdirectory, paths, command, installer]))
  add('build.env', JSON.stringify(Object.entries(buildEnv).sort()))
  add('machine', JSON.stringify(await machineFacts(command, { ...env, ...plainOf(buildEnv) })))
  for (const at of upwards(directory, subdirectory))
    for (const name of decisive) {
      const content = await readFile(join(at, name)).catch(() => undefined)
      if (content === undefined) continue
      add(`${at.slice(directory.length)} ${name}`, installer ? whatInstallsRead(name, content) : content)
    }
  for (const at of [...request.files].sort()) await addPath(add, directory, at)
  return hash.digest('hex').slice(0, 40)
}

function plainOf(values: Readonly<Record<string, SecretText>>): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) if (typeof value === 'string') plain[name] = value
  return plain
}

/** Manifests, lockfiles and settings of the package managers. */
const decisive = [
  ...['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock'],
  ...['bun.lockb', 'pnpm-workspace.yaml', '.npmrc', '.yarnrc', '.yarnrc.yml', 'bunfig.toml', '.pnpmfile.cjs'],
  ...['.node-version', '.nvmrc', '.tool-versions'],
]

/** The app's directory and those above it, up to the root of the repository. */
function upwards(directory: string, subdirectory: string): readonly string[] {
  const depth = subdirectory === '' ? 0 : subdirectory.split('/').length
  const found = [directory]
  for (let step = 0; step < depth; step++) found.push(dirname(found.at(-1) ?? directory))
  return found
}

/** Fields that no installer looks at: a new version of the app needs no new dependencies. */
const idle = [
  'version',
  'description',
  'keywords',
  'author',
  'contributors',
  'license',
  'homepage',
  'bugs',
  'repository',
]
const steps = /^(pre|post)?(install|prepare)$|^prepublish$|^pnpm:/

function whatInstallsRead(name: string, content: Buffer): string | Buffer {
  if (name !== 'package.json' && name !== 'package-lock.json' && name !== 'npm-shrinkwrap.json')
    return content
  try {
    const value: unknown = JSON.parse(content.toString('utf8'))
    return JSON.stringify(value, function (this: unknown, key: string, each: unknown) {
      if (this === value && idle.includes(key)) return undefined
      if (name === 'package.json' && this === value && key === 'scripts') return stepsOf(each)
      // The lockfile's copy of the app's own version.
      if (name !== 'package.json' && key === 'version' && isRootPackage(value, this)) return undefined
      return each
    })
  } catch {
    return content
  }
}

function isRootPackage(lockfile: unknown, holder: unknown): boolean {
  if (typeof lockfile !== 'object' || lockfile === null) return false
  const packages: unknown = Reflect.get(lockfile, 'packages')
  return typeof packages === 'object' && packages !== null && Reflect.get(packages, '') === holder
}

function stepsOf(scripts: unknown): unknown {
  if (typeof scripts !== 'object' || scripts === null) return scripts
  return Object.fromEntries(Object.entries(scripts).filter(([name]) => steps.test(name)))
}

/** A file with its mode, or all that is below a directory. */
async function addPath(
  add: (name: string, value: string | Buffer) => void,
  directory: string,
  path: string,
): Promise<void> {
  const at = join(directory, path)
  const stats = await stat(at).catch((cause: unknown) => {
    throw new DeliverError('usage', `build.cache.files: ${JSON.stringify(path)} can't be read`, {
      fix: 'Name files and directories that are there when setup begins.',
      cause,
    })
  })
  if (stats.isFile()) return add(`file ${path} ${stats.mode & 0o111}`, await readFile(at))
  if (!stats.isDirectory()) return add(`other ${path}`, '')
  const inside = await readdir(at, { withFileTypes: true })
  for (const entry of inside.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = `${path}/${entry.name}`
    if (entry.isSymbolicLink()) add(`link ${child}`, await readlink(join(directory, child)))
    else await addPath(add, directory, child)
  }
}
