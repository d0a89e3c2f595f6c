import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Whether a command does nothing but put what a lockfile says into node_modules, so that the same lockfile, settings and machine
 * always make the same of it. Undefined when it does; else why that can't be known. What the packages' own install scripts
 * do shows only once they are there: see install-scripts.ts.
 */
export async function whyUnknown(directory: string, command: string): Promise<string | undefined> {
  const words = command.trim().split(/\s+/)
  const known = installs.find(({ verb }) => verb.test(command.trim()))
  const flags = words.filter((word) => word.startsWith('-'))
  const plain = words.filter((word) => !word.startsWith('-')).length === 2
  if (known === undefined || !plain || !flags.every((flag) => harmless.test(flag)))
    return 'setup is a command of your own'
  const lockfile = await firstText(directory, known.lockfiles)
  if (lockfile === undefined) return `there is no ${known.lockfiles.join(' or ')}`
  const manifest = parsed(await textOf(join(directory, 'package.json')))
  if (manifest === undefined) return "package.json can't be read"
  if (/^__metadata:/m.test(lockfile)) return 'yarn keeps state outside of node_modules'
  if (
    Reflect.has(manifest, 'workspaces') ||
    /^packages\s*:/m.test((await textOf(join(directory, 'pnpm-workspace.yaml'))) ?? '')
  )
    return 'the app has workspaces, whose own steps may be run'
  if (local.test(lockfile)) return 'the lockfile names packages by their place on this machine'
  for (const name of ['.pnpmfile.cjs', '.pnpmfile.mjs'])
    if ((await textOf(join(directory, name))) !== undefined)
      return `${name} is a program that may read anything`
  if (flags.includes('--ignore-scripts')) return undefined
  const own = ownSteps(manifest)
  if (own.length > 0) return `package.json has a script that an install runs (${own.join(', ')})`
  const builds = await access(join(directory, 'binding.gyp')).then(
    () => true,
    () => false,
  )
  return builds ? 'the app has a binding.gyp, which an install builds' : undefined
}

const installs = [
  { verb: /^npm (ci|clean-install)\b/, lockfiles: ['npm-shrinkwrap.json', 'package-lock.json'] },
  { verb: /^pnpm (install|i)\b.* --frozen-lockfile\b/, lockfiles: ['pnpm-lock.yaml'] },
  { verb: /^yarn install\b.* --frozen-lockfile\b/, lockfiles: ['yarn.lock'] },
  { verb: /^bun install\b.* --frozen-lockfile\b/, lockfiles: ['bun.lock', 'bun.lockb'] },
]

/** What doesn't lead an installer to another place. The command is part of the key, so flags need not be without effect. */
const harmless =
  /^--((omit|include)=(dev|optional|peer)|prod|production|frozen-lockfile|non-interactive|ignore-scripts|ignore-optional|(no-)?(audit|fund|progress|optional|save)|prefer-offline|offline|legacy-peer-deps|silent|loglevel=[a-z]+|foreground-scripts)$/

const local = /\b(file|link|portal|workspace):|"link":\s*true/

const steps = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
  'pnpm:devPreinstall',
]

function ownSteps(manifest: object): readonly string[] {
  const scripts: unknown = Reflect.get(manifest, 'scripts')
  return typeof scripts === 'object' && scripts !== null
    ? steps.filter((step) => Reflect.has(scripts, step))
    : []
}

async function firstText(directory: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const text = await textOf(join(directory, name))
    if (text !== undefined) return text
  }
  return undefined
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

function parsed(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
