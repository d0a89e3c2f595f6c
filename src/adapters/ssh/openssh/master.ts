import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abortReason } from '../abort.js'
import { parseShownKeys } from './answer.js'
import type { KnownHost } from '../known-hosts.js'
import type { ShownKey } from './answer.js'
import { openControl } from './control-socket.js'
import type { Control } from './control-socket.js'
import { runSsh } from './program.js'

/**
 * Seconds that a master stays when nobody is connected to its socket: from its start until we are, and for ever after we were
 * killed, since the kernel closes our end then.
 */
const lonely = 30

/** The files of one connection: all short names in a directory of its own. */
export class MasterFiles {
  readonly directory: string
  readonly config: string
  readonly question: string
  readonly socket: string
  /** Keys that the host of our config, or the source of keys, vouches for. */
  readonly knownHosts: string
  readonly #log: string
  readonly #noter: string
  readonly #shown: string

  constructor(directory: string) {
    this.directory = directory
    this.config = join(directory, 'c')
    this.question = join(directory, 'q')
    this.socket = join(directory, 's')
    this.knownHosts = join(directory, 'h')
    this.#log = join(directory, 'l')
    this.#noter = join(directory, 'n')
    this.#shown = join(directory, 'k')
  }

  /** The texts are told the program that notes which keys ssh was shown. */
  async write(texts: (noter: string) => { config: string; question: string }): Promise<void> {
    await mkdir(this.directory, { mode: 0o700 })
    const program = `[ "$1" != HOSTNAME ] || printf '%s %s %s\\n' "$2" "$3" "$4" >>"\${0%n}k"\n`
    await writeFile(this.#noter, program, { mode: 0o600 })
    const { config, question } = texts(this.#noter)
    await writeFile(this.config, config, { mode: 0o600 })
    await writeFile(this.question, question, { mode: 0o600 })
  }

  /** Writes `knownHosts`: these keys, for this name. */
  async vouch(name: string, entries: readonly KnownHost[]): Promise<void> {
    const lines = entries.map(({ marker, type, key }) =>
      [...(marker === undefined ? [] : [`@${marker}`]), name, type, key.toString('base64')].join(' '),
    )
    await writeFile(this.knownHosts, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
  }

  get logArguments(): readonly string[] {
    return ['-E', this.#log]
  }

  async shown(): Promise<readonly ShownKey[]> {
    return parseShownKeys(await readFile(this.#shown, 'latin1').catch(() => ''))
  }

  async forget(): Promise<void> {
    await Promise.all([this.#shown, this.#log, this.socket].map((file) => rm(file, { force: true })))
  }

  /** The last lines that ssh wrote about this connection, for people. */
  said(lines = 3): string {
    return tail(this.#log)
      .split(/[\r\n]+/)
      .map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?').trim())
      .filter(Boolean)
      .slice(-lines)
      .join('; ')
      .slice(-500)
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true }).catch(() => undefined)
  }
}

export interface MasterStart {
  readonly files: MasterFiles
  /** Options of this host alone: bastions on the way have only the file. */
  readonly options: readonly string[]
  readonly address: string
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

export type Started =
  | { readonly kind: 'open'; readonly control: Control }
  | { readonly kind: 'late' }
  /** `said`: what ssh and its helpers (a ProxyCommand, a bastion's ssh) wrote, for people. */
  | { readonly kind: 'failed'; readonly said: string }

/**
 * Starts ssh as a master that goes to the background once it is logged in and listens: its exit code tells both. From there
 * on it belongs to nobody's process group, and lives as long as somebody is connected to its socket.
 */
export async function startMaster(start: MasterStart): Promise<Started> {
  const { files, options, address, env, timeout, signal } = start
  await files.forget()
  const persist = ['-o', `ControlPersist=${lonely}`]
  const args = ['-F', files.config, '-M', '-S', files.socket, ...persist, '-N', '-n', '-T', '-x', '-a']
  const deadline = Date.now() + timeout
  const run = await runSsh({
    args: [...args, ...files.logArguments, ...options, '--', address],
    env,
    timeout,
    signal,
  })
  if (run.end.kind === 'timeout') return { kind: 'late' }
  if (run.end.kind !== 'exit' || run.end.code !== 0)
    return { kind: 'failed', said: [oneLine(run.stderr), files.said()].filter(Boolean).join('; ') }
  const late = AbortSignal.timeout(Math.max(1_000, deadline - Date.now()))
  const until = signal === undefined ? late : AbortSignal.any([signal, late])
  try {
    return { kind: 'open', control: await openControl(files.socket, until) }
  } catch (error) {
    if (signal?.aborted === true) throw abortReason(signal)
    if (late.aborted) return { kind: 'late' }
    const said = files.said()
    return {
      kind: 'failed',
      said: `${error instanceof Error ? error.message : ''}${said === '' ? '' : `; ${said}`}`,
    }
  }
}

function oneLine(text: string): string {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(/[^\x20-\x7e]/g, '?').trim())
    .filter(Boolean)
    .slice(-3)
    .join('; ')
    .slice(-500)
}

function tail(file: string): string {
  let handle: number | undefined
  try {
    handle = openSync(file, 'r')
    const bytes = Buffer.alloc(4096)
    const from = Math.max(0, statSync(file).size - bytes.length)
    return bytes.toString('latin1', 0, readSync(handle, bytes, 0, bytes.length, from))
  } catch {
    return ''
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}
