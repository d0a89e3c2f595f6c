import { once } from 'node:events'
import { defaultDirectory } from './directory.js'
import { startSandbox } from './sandbox.js'
import { describeSandbox } from './snippet.js'

export interface RunSandboxOptions {
  /** Default: 3. */
  readonly hosts?: number | undefined
  /** Default: `deliver-sandbox-<uid>` in the directory for temporary files. */
  readonly directory?: string | undefined
  /** The port that the app listens on, as the config names it. Default: 3000. */
  readonly port?: number | undefined
  /** Shell command that starts the app. */
  readonly start?: string | undefined
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
  const { hosts = 3, directory = defaultDirectory(), port = 3000, start } = options
  if (signal.aborted) return
  const sandbox = await startSandbox({
    directory,
    hosts,
    appPort: port,
    ...(start === undefined ? {} : { start }),
  })
  try {
    write(describeSandbox(sandbox))
    // Asked again: while the hosts started, the signal may have been aborted, and it doesn't tell twice.
    if (!isAborted(signal)) await once(signal, 'abort')
  } finally {
    await sandbox.stop()
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
