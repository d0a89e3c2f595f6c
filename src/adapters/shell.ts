import type { Readable } from 'node:stream'
import { LineSplitter, type LineRedactor } from './line-splitter.js'
import { startProcess, type ProcessEnd } from './process.js'

export interface ShellCommand {
  /** Text of the config, made to be read by a shell. */
  readonly command: string
  readonly cwd: string
  /** All of the environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until it is ended, with all that it started. */
  readonly timeout: number
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
  /** Takes secrets out before lines are made. */
  readonly redactor?: LineRedactor | undefined
  /** What it reads from its input. Default: nothing. */
  readonly input?: string | undefined
}

/** How long a daemon that the command left behind may hold the output, in ms. */
const drain = 500

/** Runs a shell command, its output line by line as it comes. Never rejects. */
export async function runShell({
  command,
  onLine,
  redactor,
  input,
  ...spec
}: ShellCommand): Promise<ProcessEnd> {
  const stdin = input === undefined ? {} : { stdin: 'pipe' as const }
  const child = startProcess({ command: 'sh', args: ['-c', command], ...spec, ...stdin, drain })
  child.stdin?.end(input)
  const followed = Promise.all(
    (['stdout', 'stderr'] as const).map((stream) =>
      followLines(child[stream], new LineSplitter((line) => onLine(stream, line), redactor)),
    ),
  )
  const end = await child.ended
  await followed
  return end
}

/**
 * Runs a shell command for what it prints, which nobody else sees: at most `most` bytes of it, `cut` when there was more. What it
 * writes to stderr is dropped. Never rejects.
 */
export async function runQuietly({
  command,
  most,
  ...spec
}: Omit<ShellCommand, 'onLine' | 'input'> & { readonly most: number }): Promise<{
  readonly end: ProcessEnd
  readonly stdout: Buffer
  readonly cut: boolean
}> {
  const child = startProcess({ command: 'sh', args: ['-c', command], ...spec, drain })
  const chunks: Buffer[] = []
  let size = 0
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= most) chunks.push(chunk)
  })
  child.stdout.on('error', () => undefined)
  child.stderr.on('error', () => undefined).resume()
  const closed = new Promise((resolve) => child.stdout.once('close', resolve))
  const end = await child.ended
  await closed
  return { end, stdout: Buffer.concat(chunks), cut: size > most }
}

function followLines(source: Readable, splitter: LineSplitter): Promise<void> {
  source.on('data', (chunk: Buffer) => splitter.push(chunk))
  return new Promise((resolve) => {
    source.on('error', () => undefined)
    source.on('close', () => {
      splitter.end()
      resolve()
    })
  })
}

/** Completes "the command …". */
export function howItEnded(end: ProcessEnd, timeout: number): string {
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
