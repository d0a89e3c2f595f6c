import { readdirSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { DeliverError } from '../../errors.js'
import { matchesPattern } from './patterns.js'
import type { ConfigText } from './ssh-config.js'
import { expandHome } from './tokens.js'

/** The files of an ssh config, each read once per run. */
export class ConfigFiles {
  readonly #home: string
  readonly #texts = new Map<string, ConfigText | undefined>()

  constructor(home: string) {
    this.#home = home
  }

  /** The main file; none is fine. */
  main(path: string): ConfigText | undefined {
    return this.#read(resolve(expandHome(path, this.#home)))
  }

  /** What an `Include` of that file means: globs, relative to the directory of the main file. */
  includes(main: string, pattern: string): readonly ConfigText[] {
    const expanded = expandHome(pattern, this.#home)
    const absolute = isAbsolute(expanded) ? expanded : join(dirname(main), expanded)
    return glob(absolute).flatMap((path) => this.#read(path) ?? [])
  }

  #read(path: string): ConfigText | undefined {
    if (!this.#texts.has(path)) this.#texts.set(path, readIfThere(path))
    return this.#texts.get(path)
  }
}

function readIfThere(file: string): ConfigText | undefined {
  try {
    return { file, text: readFileSync(file, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw new DeliverError('usage', `${file}: the ssh config can't be read (${String(code)})`, {
      fix: 'Make the file readable, or set ssh.config to another file or to false.',
      cause: error,
    })
  }
}

/** Files matching an absolute pattern, sorted. Wildcards don't match a leading dot, as in a shell. */
function glob(pattern: string): readonly string[] {
  let paths = ['/']
  for (const segment of pattern.split('/').filter(Boolean)) {
    if (!/[*?]/.test(segment)) paths = paths.map((path) => join(path, segment))
    else paths = paths.flatMap((path) => namesIn(path, segment).map((name) => join(path, name)))
  }
  return paths
}

function namesIn(directory: string, pattern: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => matchesPattern(pattern, name) && (!name.startsWith('.') || pattern.startsWith('.')))
      .sort()
  } catch {
    return []
  }
}
