import { spawn } from 'node:child_process'

export interface CommandResult {
  /** Exit code; -1 when a signal ended it, the time limit included. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly input?: string | Buffer
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Of stdout. `latin1` keeps every byte. Default: utf8. */
  readonly encoding?: 'utf8' | 'latin1'
  /** Milliseconds until SIGKILL: a stop for what hangs, on however slow a machine. Default: 180 000. */
  readonly timeout?: number
}

/** Runs a program without a shell, to its end. Rejects only when it can't be started. */
export function command(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      timeout: options.timeout ?? 180_000,
      killSignal: 'SIGKILL',
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    // A program that ends without reading its input is not our failure.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(stdout).toString(options.encoding ?? 'utf8'),
        stderr: Buffer.concat(stderr).toString(),
      })
    })
  })
}

/** Like `command`, and anything but exit code 0 is an error that shows what the program said. Returns its stdout. */
export async function mustRun(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await command(file, args, options)
  if (code === 0) return stdout
  throw new Error(
    `${[file, ...args].join(' ')} ended with ${code}\n${stdout.slice(-2000)}\n${stderr.slice(-4000)}`,
  )
}
