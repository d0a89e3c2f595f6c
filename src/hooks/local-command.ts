import { isAbsolute, join } from 'node:path'
import type { LineRedactor } from '../adapters/line-splitter.js'
import { howItEnded, runShell } from '../adapters/shell.js'
import type { Hook } from '../config/hooks.js'

interface LocalCommand {
  readonly hook: Hook
  readonly command: string
  /** Where the config is. */
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly redactor: LineRedactor
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
}

/** Runs a command here. Why it failed; undefined when it didn't. Never rejects. */
export async function runHere({
  hook,
  command,
  directory,
  env,
  signal,
  redactor,
  onLine,
}: LocalCommand): Promise<string | undefined> {
  const dir = hook.dir ?? '.'
  const end = await runShell({
    command,
    cwd: isAbsolute(dir) ? dir : join(directory, dir),
    env,
    signal,
    redactor,
    timeout: hook.timeout,
    onLine,
  })
  return end.kind === 'exit' && end.code === 0 ? undefined : howItEnded(end, hook.timeout)
}
