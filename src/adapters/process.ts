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
  /**
   * Ends the process and all that it started. A process that somebody else told to end is taken for the beginning of an
   * interrupt: its end is told when this signal comes, or after some seconds without it.
   */
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
 * Ms in which our own signal may follow a child's. Jenkins ends the children of a build before their parents, and gives each
 * some of five seconds; a child that died of that has not failed.
 */
const ownSignalFollows = 6_000
/** The same for a child that ended badly in a way of its own: it was the last one that our signal waited for. */
const ownSignalAtOnce = 300

/** What shells and npm exit with when what they ran was ended by SIGHUP, SIGINT or SIGTERM. */
const endedCodes: ReadonlySet<number | undefined> = new Set([129, 130, 143])
const endingSignals: ReadonlySet<string | undefined> = new Set(['SIGHUP', 'SIGINT', 'SIGTERM'])

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
  const ended = child.then(async (result): Promise<ProcessEnd> => {
    const stopped = stopping.done()
    const ended = endedCodes.has(result.exitCode) || endingSignals.has(result.signal)
    if (!stopped && result.exitCode !== 0 && result.code !== 'ENOENT')
      await abortWithin(spec.signal, ended ? ownSignalFollows : ownSignalAtOnce)
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

/** Resolves when the signal aborts, after that many ms at the latest. */
async function abortWithin(signal: AbortSignal | undefined, ms: number): Promise<void> {
  if (signal === undefined || signal.aborted) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    const onAbort = (): void => {
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

function groupStopper(pid: number | undefined): {
  stop: () => void
  /** Whether it was asked to end by us. */
  done: () => boolean
} {
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
      if (timer === undefined) return false
      clearTimeout(timer)
      // The leader has gone; its children had the same warning.
      kill('SIGKILL')
      return true
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
