import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isPlain } from '../config/plain.js'
import { parseProcfile, type ProcessType } from './procfile.js'

/** What an app's directory tells about it. */
export interface Detected {
  readonly app: string
  /** For people: "npm (package-lock.json)". */
  readonly installer?: string
  readonly start?: string
  readonly node?: string
  readonly processes: readonly ProcessType[]
  /** `systemd:api` or `pm2:api`, from files of the repository. */
  readonly service?: string
  readonly jenkinsfile: boolean
}

const installers: Readonly<Record<string, string>> = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'yarn.lock': 'yarn',
  'pnpm-lock.yaml': 'pnpm',
}

export async function detect(directory: string): Promise<Detected> {
  const files = await readdir(directory)
  const manifest = files.includes('package.json') ? manifestOf(await textOf(directory, 'package.json')) : {}
  const lockfile = Object.keys(installers).find((file) => files.includes(file))
  const app = nameOf(manifest.name) ?? nameOf(basename(directory)) ?? 'app'
  const unit = files.find((file) => /^[\w.@-]+\.service$/.test(file))
  const ecosystem = files.some((file) => /^ecosystem\.config\.(js|cjs|mjs|json)$/.test(file))
  const start = isPlain(manifest.scripts) ? manifest.scripts['start'] : undefined
  const node = isPlain(manifest.engines) ? manifest.engines['node'] : undefined
  return {
    app,
    ...(lockfile === undefined ? {} : { installer: `${installers[lockfile] ?? ''} (${lockfile})` }),
    ...(typeof start === 'string' ? { start } : {}),
    ...(typeof node === 'string' ? { node } : {}),
    processes: files.includes('Procfile') ? parseProcfile(await textOf(directory, 'Procfile')) : [],
    ...(unit === undefined
      ? ecosystem
        ? { service: `pm2:${app}` }
        : {}
      : { service: `systemd:${unit.replace(/\.service$/, '')}` }),
    jenkinsfile: files.includes('Jenkinsfile'),
  }
}

function textOf(directory: string, file: string): Promise<string> {
  return readFile(join(directory, file), 'utf8')
}

/** A manifest that can't be read tells nothing; npm will say so louder. */
function manifestOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return isPlain(value) ? value : {}
  } catch {
    return {}
  }
}

/** As an app may be called: without a scope, and without what our names can't have. */
function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const name = value
    .replace(/^@[^/]*\//, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/\.{2,}/g, '.')
  return /^[A-Za-z0-9]/.test(name) ? name.slice(0, 64) : undefined
}
