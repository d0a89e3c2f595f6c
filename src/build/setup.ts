import type { LineRedactor } from '../adapters/line-splitter.js'
import type { ProcessEnd } from '../adapters/process.js'
import { howItEnded, runShell } from '../adapters/shell.js'
import type { BuildConfig } from '../config/types.js'
import { DeliverError } from '../errors.js'
import type { Reporter } from '../report/events.js'
import { installCommand } from './install-command.js'

/** What a setup without `build.setup` runs. */
export async function setupCommand(directory: string, build: Pick<BuildConfig, 'setup'>): Promise<string> {
  return build.setup ?? (await installCommand(directory))
}

export interface SetupRequest {
  /** Where the command runs. */
  readonly directory: string
  readonly build: Pick<BuildConfig, 'setup' | 'timeout'> & { readonly env: Readonly<Record<string, string>> }
  /** The environment of deliver itself; build.env goes over it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly reporter: Reporter
  readonly redactor?: LineRedactor | undefined
  readonly signal?: AbortSignal | undefined
}

const linesInError = 20

/** Runs the command that builds the app, its output live. Throws unless it exits with 0. Returns the command. */
export async function runSetup(request: SetupRequest): Promise<string> {
  const { directory, build, reporter } = request
  const command = await setupCommand(directory, build)
  reporter.event({ type: 'note', text: `in ${directory}: ${command}` })
  const last: string[] = []
  const end = await runShell({
    command,
    cwd: directory,
    env: { ...request.env, ...build.env },
    signal: request.signal,
    redactor: request.redactor,
    timeout: build.timeout,
    onLine: (stream, line) => {
      reporter.event({ type: 'output', stream, line })
      if (last.push(line) > linesInError) last.shift()
    },
  })
  if (end.kind === 'exit' && end.code === 0) return command
  throw setupError(command, build.timeout, end, last)
}

function setupError(
  command: string,
  timeout: number,
  end: ProcessEnd,
  last: readonly string[],
): DeliverError {
  const how = howItEnded(end, timeout)
  const tail = last.length === 0 ? '' : `. Its last lines:\n${last.map((line) => `  ${line}`).join('\n')}`
  const kind = end.kind === 'aborted' ? 'interrupted' : 'failed'
  return new DeliverError(kind, `setup: \`${command}\` ${how}${tail}`, { fix: fixFor(end) })
}

function fixFor(end: ProcessEnd): string {
  if (end.kind === 'timeout')
    return 'Make it faster, or set build.timeout. It gets no input: a prompt waits for ever.'
  if (end.kind === 'exit' && end.code === 127) return 'Install the command, or correct build.setup.'
  return 'Run the command by hand in that directory, or correct build.setup.'
}
