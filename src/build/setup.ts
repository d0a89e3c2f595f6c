import type { Readable } from 'node:stream'
import { type ProcessEnd, startProcess } from '../adapters/process.js'
import type { BuildConfig } from '../config/types.js'
import { DeliverError } from '../errors.js'
import type { Reporter } from '../report/events.js'
import { installCommand } from './install-command.js'
import { LineSplitter } from './line-splitter.js'

export interface SetupRequest {
  /** Where the command runs. */
  readonly directory: string
  readonly build: Pick<BuildConfig, 'setup' | 'env' | 'timeout'>
  /** The environment of deliver itself; build.env goes over it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly reporter: Reporter
  readonly signal?: AbortSignal | undefined
}

/** How long a daemon that the command left behind may hold the output, in ms. */
const drain = 500
const linesInError = 20

/** Runs the command that builds the app, its output live. Throws unless it exits with 0. Returns the command. */
export async function runSetup(request: SetupRequest): Promise<string> {
  const { directory, build, reporter } = request
  const command = build.setup ?? (await installCommand(directory))
  reporter.event({ type: 'note', text: `in ${directory}: ${command}` })
  const child = startProcess({
    command: 'sh',
    // The command is the config's own text, made to be read by a shell.
    args: ['-c', command],
    cwd: directory,
    env: { ...request.env, ...build.env },
    signal: request.signal,
    timeout: build.timeout,
    drain,
  })
  const last: string[] = []
  const follow = (stream: 'stdout' | 'stderr', source: Readable): Promise<void> =>
    followLines(source, (line) => {
      reporter.event({ type: 'output', stream, line })
      if (last.push(line) > linesInError) last.shift()
    })
  const followed = Promise.all([follow('stdout', child.stdout), follow('stderr', child.stderr)])
  const end = await child.ended
  await followed
  if (end.kind === 'exit' && end.code === 0) return command
  throw setupError(command, build.timeout, end, last)
}

function followLines(source: Readable, onLine: (line: string) => void): Promise<void> {
  const splitter = new LineSplitter(onLine)
  source.on('data', (chunk: Buffer) => splitter.push(chunk))
  return new Promise((resolve) => {
    source.on('error', () => undefined)
    source.on('close', () => {
      splitter.end()
      resolve()
    })
  })
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

function howItEnded(end: ProcessEnd, timeout: number): string {
  switch (end.kind) {
    case 'exit':
      return `failed with exit code ${end.code}`
    case 'signal':
      return `was killed by ${end.signal}`
    case 'timeout':
      return `did not end within ${timeout / 1000}s, and was killed`
    case 'aborted':
      return 'was interrupted'
    case 'not-started':
      return `could not be started: ${end.because}`
  }
}

function fixFor(end: ProcessEnd): string {
  if (end.kind === 'timeout')
    return 'Make it faster, or set build.timeout. It gets no input: a prompt waits for ever.'
  if (end.kind === 'exit' && end.code === 127) return 'Install the command, or correct build.setup.'
  return 'Run the command by hand in that directory, or correct build.setup.'
}
