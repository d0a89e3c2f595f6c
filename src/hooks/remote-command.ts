import type { Hook } from '../config/hooks.js'
import type { StepHost } from '../execute/steps.js'
import { readRun } from '../remote/readings.js'
import { run } from '../remote/command-verbs.js'

interface RemoteCommand {
  readonly hook: Hook
  readonly command: string
  readonly on: StepHost
  readonly env: Readonly<Record<string, string>>
  /** Whether the release is on the host by now. */
  readonly staged: boolean
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** Milliseconds for killing it, for the line, and for installing nothing. */
const slack = 60_000

/**
 * Runs a command on a host, its time limit held there. Why it failed; undefined when it didn't. Never rejects, and never runs
 * it twice: whether a command whose end didn't come was done nobody knows.
 */
export async function runOnHost({
  hook,
  command,
  on,
  env,
  staged,
  signal,
  onLine,
}: RemoteCommand): Promise<string | undefined> {
  const directory = placeOf(hook.dir, staged)
  const call = run({
    command,
    directory,
    ...(directory === 'release' ? { release: on.step.to } : {}),
    env,
    timeout: hook.timeout,
  })
  const reading = readRun(
    await on.host.link.call(call, { timeout: hook.timeout + slack, signal, onLog: onLine }),
  )
  if (reading.kind === 'unknown') return `may or may not be done: ${reading.because}`
  if (reading.kind === 'refused') return `could not be run: ${reading.text}`
  const { exit } = reading.value
  if (exit === undefined) return `did not end within ${hook.timeout / 1000}s, and was killed`
  return exit === 0 ? undefined : `failed with exit code ${exit}`
}

function placeOf(dir: string | undefined, staged: boolean): Parameters<typeof run>[0]['directory'] {
  switch (dir) {
    case 'release':
    case 'current':
    case 'home':
      return dir
    case undefined:
      return staged ? 'release' : 'home'
    default:
      // The schema lets nothing else pass.
      return `/${dir.replace(/^\/+/, '')}`
  }
}
