import { execa } from 'execa'
import type { Readable, Writable } from 'node:stream'

export interface ProcessSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** All of the environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Without it the process sees end of file. */
  readonly stdin?: 'pipe'
  /** Ends the process and all that it started. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the same happens. */
  readonly timeout?: number
  /**
   * Milliseconds after the process's own end that its pipes are still read. For programs whose children may go on in the
   * background and hold the pipes for ever. Default: until the pipes end, which is what data needs.
   */
  readonly drain?: number
}

export type ProcessEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  /** `missing`: there is no such program. */
  | { readonly kind: 'not-started'; readonly because: string; readonly missing: boolean }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'aborted' }

export interface RunningProcess {
  readonly stdin: Writable | undefined
  /** Bytes, unbuffered: they must be read, or the process waits. */
  readonly stdout: Readable
  readonly stderr: Readable
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>
  /** Asks the process group to end, and makes it after some seconds. */
  stop(): void
}

const killAfter = 5_000

/**
 * Starts a program in a process group of its own, so that stopping it stops its children too: a shell's children outlive
 * the shell otherwise, and keep its pipes open.
 */
export function startProcess(spec: ProcessSpec): RunningProcess {
  const child = execa(spec.command, [...spec.args], {
    cwd: spec.cwd,
    env: spec.env,
    extendEnv: false,
    stdin: spec.stdin ?? 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    encoding: 'buffer',
    reject: false,
    detached: true,
  })
  // A program that ends without reading its input is told by its exit code, not by our broken pipe.
  child.stdin?.on('error', () => undefined)
  const stopping = groupStopper(child.pid)
  const reason = endReason(spec, stopping.stop)
  const { drain } = spec
  if (drain !== undefined) {
    child.once('exit', () => {
      setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, drain).unref()
    })
  }
  const ended = child.then((result): ProcessEnd => {
    stopping.done()
    reason.dispose()
    if (reason.value !== undefined) return { kind: reason.value }
    if (result.exitCode !== undefined) return { kind: 'exit', code: result.exitCode }
    if (result.signal !== undefined) return { kind: 'signal', signal: result.signal }
    const missing = result.code === 'ENOENT'
    return {
      kind: 'not-started',
      because: result.originalMessage ?? result.shortMessage ?? 'unknown',
      missing,
    }
  })
  return {
    stdin: child.stdin ?? undefined,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    stop: stopping.stop,
  }
}

function groupStopper(pid: number | undefined): { stop: () => void; done: () => void } {
  let timer: NodeJS.Timeout | undefined
  // From then on the number may be another process's.
  let ended = false
  const kill = (signal: NodeJS.Signals): void => {
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // The group has gone.
    }
  }
  return {
    stop: () => {
      if (timer !== undefined || ended) return
      kill('SIGTERM')
      timer = setTimeout(() => kill('SIGKILL'), killAfter)
    },
    done: () => {
      ended = true
      if (timer === undefined) return
      clearTimeout(timer)
      // The leader has gone; its children had the same warning.
      kill('SIGKILL')
    },
  }
}

function endReason(
  spec: ProcessSpec,
  stop: () => void,
): { value?: 'timeout' | 'aborted'; dispose: () => void } {
  const reason: { value?: 'timeout' | 'aborted'; dispose: () => void } = { dispose: () => undefined }
  const end = (because: 'timeout' | 'aborted'): void => {
    reason.value ??= because
    stop()
  }
  const onAbort = (): void => end('aborted')
  const timer = spec.timeout === undefined ? undefined : setTimeout(() => end('timeout'), spec.timeout)
  spec.signal?.addEventListener('abort', onAbort, { once: true })
  if (spec.signal?.aborted === true) onAbort()
  reason.dispose = () => {
    clearTimeout(timer)
    spec.signal?.removeEventListener('abort', onAbort)
  }
  return reason
}
