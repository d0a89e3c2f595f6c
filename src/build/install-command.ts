import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeliverError } from '../errors.js'

/**
 * The command that installs exactly what a lockfile says, for production: what is installed is what ships. An app
 * with a build step needs its development dependencies first, and says so in build.setup.
 */
export async function installCommand(directory: string): Promise<string> {
  const names = await readdir(directory)
  const found = installers.filter(({ lockfile }) => names.includes(lockfile))
  const [first, second] = found
  if (first === undefined) {
    throw new DeliverError(
      'usage',
      `build.setup is not set, and ${directory} has no lockfile to install from`,
      {
        fix: `Set build.setup to the command that builds the app ('true' if there is nothing to build), or commit one of ${installers.map((each) => each.lockfile).join(', ')}.`,
      },
    )
  }
  if (second !== undefined && first.manager !== second.manager) {
    throw new DeliverError(
      'usage',
      `build.setup is not set, and there are lockfiles of two package managers: ${first.lockfile}, ${second.lockfile}`,
      {
        fix: 'Remove the one that is not used, or set build.setup.',
      },
    )
  }
  if (first.manager !== 'yarn') return first.command
  const lockfile = await readFile(join(directory, first.lockfile), 'utf8')
  // Yarn 1 writes its version in the head of its lockfile; later ones write YAML with a __metadata part.
  return /^__metadata:/m.test(lockfile) ? yarnBerry : yarnClassic
}

const yarnClassic = 'yarn install --frozen-lockfile --production --non-interactive'
const yarnBerry = 'yarn workspaces focus --all --production'

/** In the order in which npm and bun themselves prefer them. */
const installers = [
  { manager: 'npm', lockfile: 'npm-shrinkwrap.json', command: 'npm ci --omit=dev --no-audit --no-fund' },
  { manager: 'npm', lockfile: 'package-lock.json', command: 'npm ci --omit=dev --no-audit --no-fund' },
  { manager: 'pnpm', lockfile: 'pnpm-lock.yaml', command: 'pnpm install --frozen-lockfile --prod' },
  { manager: 'yarn', lockfile: 'yarn.lock', command: yarnClassic },
  { manager: 'bun', lockfile: 'bun.lock', command: 'bun install --frozen-lockfile --production' },
  { manager: 'bun', lockfile: 'bun.lockb', command: 'bun install --frozen-lockfile --production' },
] as const
