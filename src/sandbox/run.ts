import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { DeliverError } from '../errors.js'
import { defaultDirectory } from './directory.js'
import { startSandbox } from './sandbox.js'
import { describeSandbox, sandboxConfigText } from './snippet.js'

export interface RunSandboxOptions {
  /** Default: 3. */
  readonly hosts?: number | undefined
  /** Default: `deliver-sandbox-<uid>` in the directory for temporary files. */
  readonly directory?: string | undefined
  /** The port that the app listens on, as the config names it. Default: 3000. */
  readonly port?: number | undefined
  /** Shell command that starts the app. */
  readonly start?: string | undefined
  /** Begin with empty hosts and an empty store. */
  readonly fresh?: boolean | undefined
  /** Where a config for the hosts is written to. One that is there and says something else is an error. */
  readonly configFile?: string | undefined
}

/**
 * `deliver sandbox`: starts the hosts, writes how to use them, and stays until the signal is aborted (Ctrl-C, TERM). Then
 * nothing of it runs any more, and it resolves.
 */
export async function runSandbox(
  options: RunSandboxOptions,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { hosts = 3, directory = defaultDirectory(), port = 3000, start, fresh, configFile } = options
  if (signal.aborted) return
  const sandbox = await startSandbox({
    directory,
    hosts,
    appPort: port,
    ...(start === undefined ? {} : { start }),
    ...(fresh === undefined ? {} : { fresh }),
  })
  try {
    if (configFile !== undefined) await writeConfig(configFile, sandboxConfigText(sandbox))
    write(describeSandbox(sandbox, configFile))
    // Asked again: while the hosts started, the signal may have been aborted, and it doesn't tell twice.
    if (!isAborted(signal)) await once(signal, 'abort')
  } finally {
    await sandbox.stop()
  }
}

async function writeConfig(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (cause) {
    if ((await readFile(file, 'utf8').catch(() => '')) === text) return
    throw new DeliverError('precondition', `sandbox: ${file} can't be written, or has something else in it`, {
      cause,
      fix: 'Name another file with --write and use it with -c, or leave --write out and copy what is printed.',
    })
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
