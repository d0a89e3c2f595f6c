import { readdir, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { DeliverError, messageOf } from '../errors.js'
import { evaluate } from './evaluate.js'

/** Finds and reads a config file. The only file that loads cosmiconfig. */

export interface FoundConfig {
  readonly file: string
  /** What the file exports, not validated. */
  readonly exported: unknown
}

const evaluated = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs']
const places = [...evaluated, 'json', 'yaml', 'yml'].map((extension) => `deliver.config.${extension}`)

/** Reads the named file, or looks for one from `cwd` upward. */
export async function findConfig(cwd: string, file: string | undefined): Promise<FoundConfig> {
  if (file !== undefined) {
    const found = await read(resolve(cwd, file))
    if (found !== undefined) return found
    throw new DeliverError('usage', `${file} has no "deliver" key.`, {
      fix: 'Add it, or name another file with --config.',
    })
  }
  const searched = await directoriesAbove(await realpath(cwd).catch(() => resolve(cwd)))
  for (const directory of searched) {
    const found = await findIn(directory)
    if (found !== undefined) return found
  }
  throw new DeliverError('usage', `No config found from ${cwd} up to ${searched.at(-1) ?? cwd}.`, {
    fix: `Run deliver init, or write ${places[0] ?? ''}, or a "deliver" key in package.json. deliver help config tells of its keys.`,
  })
}

/**
 * The search ends at the repository's root, else at the home directory, else at the file system's: a config is code,
 * and what lies above (say, in /tmp) may belong to somebody else.
 */
async function directoriesAbove(cwd: string): Promise<readonly string[]> {
  const all: string[] = []
  for (let directory = cwd; ; directory = dirname(directory)) {
    all.push(directory)
    const entries = await namesIn(directory)
    if (entries.includes('.git') || directory === homedir() || directory === dirname(directory)) return all
  }
}

async function findIn(directory: string): Promise<FoundConfig | undefined> {
  const entries = await namesIn(directory)
  const present = places.filter((place) => entries.includes(place))
  if (present.length > 1) {
    throw new DeliverError('usage', `${directory} has ${present.join(' and ')}.`, {
      fix: 'Keep one of them, or name one with --config.',
    })
  }
  const place = present[0] ?? (entries.includes('package.json') ? 'package.json' : undefined)
  return place === undefined ? undefined : read(join(directory, place))
}

/**
 * Undefined: a package.json without our key. cosmiconfig's own search is not used: it takes a config that can't be
 * read, or that throws ENOENT, for one that isn't there, and goes on to a directory above.
 */
async function read(file: string): Promise<FoundConfig | undefined> {
  const { cosmiconfig, defaultLoaders } = await import('cosmiconfig')
  const { load } = cosmiconfig('deliver', {
    searchPlaces: [...places, 'package.json'],
    loaders: {
      ...defaultLoaders,
      ...Object.fromEntries(evaluated.map((extension) => [`.${extension}`, run])),
    },
    cache: false,
    mergeImportArrays: false,
  })
  const result = await load(file).catch((cause: unknown) => {
    throw cause instanceof DeliverError ? cause : unreadable(file, cause)
  })
  if (result === null && basename(file) === 'package.json') return undefined
  // cosmiconfig gives null for a file that says null.
  if (result === null || result.isEmpty === true) {
    const what =
      basename(file).startsWith('deliver.config.') || file.endsWith('ts')
        ? 'exports no config as default'
        : 'is empty'
    throw new DeliverError('usage', `${file} ${what}.`, {
      fix: 'Write: export default defineConfig({ app: ... })',
    })
  }
  const exported: unknown = result.config
  return { file, exported: isFunction(exported) ? await call(file, exported) : exported }
}

/** cosmiconfig looks inside what a loader returns, so the error says "throws" before anything else can go wrong. */
async function run(file: string): Promise<unknown> {
  try {
    return await evaluate(file)
  } catch (cause) {
    throw thrown(file, cause)
  }
}

async function call(file: string, exported: () => unknown): Promise<unknown> {
  try {
    return await exported()
  } catch (cause) {
    throw thrown(file, cause)
  }
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function'
}

/** A directory that can't be listed holds no config for us. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch {
    return []
  }
}

function thrown(file: string, cause: unknown): DeliverError {
  return new DeliverError('usage', `${file} can't be run: ${messageOf(cause)}`, {
    cause,
    fix: 'Correct the file.',
  })
}

function unreadable(file: string, cause: unknown): DeliverError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT') {
    return new DeliverError('usage', `There is no ${file}.`, {
      cause,
      fix: 'Check the path given with --config or DELIVER_CONFIG.',
    })
  }
  return new DeliverError('usage', `${file} can't be read: ${messageOf(cause)}`, {
    cause,
    fix: 'Correct the file.',
  })
}
