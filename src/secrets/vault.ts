import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Secret, SecretText } from '../config/secret.js'
import { DeliverError, messageOf } from '../errors.js'
import { shortestHidden } from './forms.js'
import { Redactor } from './redactor.js'
import { lazily } from '../lazily.js'

const loadShell = lazily(() => import('../adapters/shell.js'))

/** Milliseconds that a command may take to print a secret. */
const commandTime = 60_000
const largest = 1024 * 1024

export interface SecretPlace {
  /** Relative files and commands start here: the directory of the config. */
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
}

/** Reads the secrets of a config, each once, and sees to it that none of them is shown. */
export class Vault {
  readonly redactor = new Redactor()
  readonly #warn: (text: string) => void
  readonly #read = new Map<string, Promise<string>>()

  constructor(warn: (text: string) => void) {
    this.#warn = warn
  }

  /** Hides those of the environment at once: programs that we start print them too, whether we read them or not. */
  watch(config: unknown, env: SecretPlace['env']): void {
    if (typeof config !== 'object' || config === null) return
    const name = variableOf(config)
    const value = name === undefined ? undefined : env[name]
    if (value !== undefined) this.redactor.learn(value)
    for (const each of Object.values(config)) this.watch(each, env)
  }

  /** Hides texts that are secrets although the config has them as they are. */
  hide(texts: readonly string[]): void {
    for (const text of texts) this.redactor.learn(text)
  }

  /** `where`: the key of the config. Rejects with a DeliverError that names it. */
  reveal(value: SecretText, where: string, place: SecretPlace): Promise<string> {
    if (typeof value === 'string') return Promise.resolve(value)
    const source = JSON.stringify(value.secret)
    const known = this.#read.get(source) ?? this.#open(value.secret, where, place)
    this.#read.set(source, known)
    return known
  }

  async revealAll(
    values: Readonly<Record<string, SecretText>>,
    where: string,
    place: SecretPlace,
  ): Promise<Readonly<Record<string, string>>> {
    const entries = Object.entries(values).map(
      async ([name, value]) => [name, await this.reveal(value, `${where}.${name}`, place)] as const,
    )
    return Object.fromEntries(await Promise.all(entries))
  }

  async #open(source: Secret['secret'], where: string, place: SecretPlace): Promise<string> {
    const text = (await read(source, where, place)).replace(/[\r\n]+$/, '')
    if (text === '') throw unreadable(where, source, 'it is empty')
    if (text.includes('\0')) throw unreadable(where, source, 'it contains a NUL')
    this.redactor.learn(text)
    if (text.length < shortestHidden)
      this.#warn(
        `${where} has fewer than ${shortestHidden} characters: so short a secret can't be hidden in output`,
      )
    return text
  }
}

async function read(source: Secret['secret'], where: string, place: SecretPlace): Promise<string> {
  if ('env' in source) {
    const value = place.env[source.env]
    if (value === undefined) throw unreadable(where, source, 'it is not set')
    return value
  }
  if ('file' in source) {
    const path = isAbsolute(source.file) ? source.file : join(place.directory, source.file)
    return readFile(path, 'utf8').catch((error: unknown) => {
      throw unreadable(where, source, messageOf(error), error)
    })
  }
  const { howItEnded, runQuietly } = await loadShell()
  const { end, stdout, cut } = await runQuietly({
    command: source.command,
    cwd: place.directory,
    env: place.env,
    timeout: commandTime,
    signal: place.signal,
    most: largest,
  })
  // What it printed may be half of a secret, so it isn't told.
  if (end.kind !== 'exit' || end.code !== 0)
    throw unreadable(where, source, `it ${howItEnded(end, commandTime)}`)
  if (cut) throw unreadable(where, source, `it printed more than ${largest} bytes`)
  return stdout.toString()
}

function variableOf(value: object): string | undefined {
  const inner: unknown = 'secret' in value ? value.secret : undefined
  if (typeof inner !== 'object' || inner === null || !('env' in inner)) return undefined
  return typeof inner.env === 'string' ? inner.env : undefined
}

function unreadable(where: string, source: Secret['secret'], because: string, cause?: unknown): DeliverError {
  const [what, fix] =
    'env' in source
      ? [
          `the environment variable ${source.env}`,
          `Set ${source.env} where deliver runs, e.g. as a credential of the CI job.`,
        ]
      : 'file' in source
        ? [`the file ${source.file}`, 'Put it there, readable by the user that runs deliver.']
        : ['its command', 'Run the command by hand in the directory of the config.']
  return new DeliverError('usage', `${where}: the secret can't be read from ${what}: ${because}`, {
    fix,
    cause,
  })
}
