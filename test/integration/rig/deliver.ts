import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../../bin/deliver.js', import.meta.url))

export interface Finished {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals
  readonly stdout: string
  readonly stderr: string
  /** stdout, then stderr: what a person would have seen, for messages of failed expectations. */
  readonly output: string
}

export interface Running {
  readonly process: ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves when stdout or stderr has matched; rejects when the command ends without. */
  seen(pattern: RegExp): Promise<void>
}

export interface DeliverOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** A program and its arguments to run it under, e.g. a tracer. */
  readonly under?: readonly string[]
}

/** What CI gives a command: a path and a home, no variable of this test run, no agent, no terminal. */
function cleanEnvironment(own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  return { PATH, HOME, CI: 'true', LANG: 'C.UTF-8', ...own }
}

/** Starts the real program, as the leader of its own process group. */
export function startDeliver(args: readonly string[], options: DeliverOptions): Running {
  const [file = process.execPath, ...words] = [...(options.under ?? []), process.execPath, program, ...args]
  const child = spawn(file, words, {
    cwd: options.cwd,
    env: cleanEnvironment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  const listeners = new Set<() => void>()
  const told = () => listeners.forEach((listener) => listener())
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    told()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    told()
  })
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolve({ code: code ?? signal ?? -1, stdout, stderr, output: stdout + stderr })
    })
  })
  const seen = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(stdout) && !pattern.test(stderr)) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      look()
      finished.then(() => reject(new Error(`ended without ${pattern}:\n${stdout}${stderr}`)), reject)
    })
  return { process: child, finished, seen }
}

/** Runs the real program to its end. */
export function deliver(args: readonly string[], options: DeliverOptions): Promise<Finished> {
  return startDeliver(args, options).finished
}
