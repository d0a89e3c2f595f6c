/**
 * Reads a log on a host. Unlike the agent's calls this one may go on for days, so it ends when its stdin does: a log
 * reader that waits for the next line would never notice that nobody listens any more.
 */
import type { ServiceConfig } from '../config/types.js'
import { newline, sh, type ShellLine } from './quote.js'

export type LogSource =
  | { readonly kind: 'journal'; readonly unit: string; readonly user: boolean }
  | { readonly kind: 'file'; readonly file: string }

export interface LogReading {
  readonly source: LogSource
  /** The last so many lines. */
  readonly lines: number
  /** Go on with what comes. */
  readonly follow: boolean
  /** Only what is younger: ms before the host's own now, or ms since 1970. The caller does it for files. */
  readonly since?: { readonly kind: 'age' | 'time'; readonly ms: number }
}

/** Where a service logs to, given the files that its host told. */
export function logSources(service: ServiceConfig, files: readonly string[]): readonly LogSource[] {
  if (files.length > 0) return files.map((file) => ({ kind: 'file', file }))
  const { manager } = service
  return manager.kind === 'systemd' ? [{ kind: 'journal', unit: manager.unit, user: manager.user }] : []
}

/** What `remoteCommand` reads: one line of shell. Lines of a journal begin with seconds since 1970, as `1700000000.123456`. */
export function logLine(reading: LogReading): Buffer {
  const line = sh`${newline}exec 3<&0;${reader(reading)} </dev/null 3<&- & p=$!;{ cat <&3;kill $p; } >/dev/null 2>&1 & w=$!;exec 3<&-;wait $p;c=$?;kill $w 2>/dev/null;exit $c`
  return Buffer.from(`${line.text}\n`)
}

function reader({ source, lines, follow, since }: LogReading): ShellLine {
  if (source.kind === 'file')
    return follow
      ? sh`tail -n ${lines} -F -- ${source.file} 2>/dev/null`
      : sh`tail -n ${lines} -- ${source.file}`
  const bus = source.user ? sh`XDG_RUNTIME_DIR="\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"` : sh``
  const whose = source.user ? sh`--user` : sh`-q`
  const more = follow ? sh`-f` : sh``
  return sh`${bus} journalctl ${whose} --no-pager -o short-unix -n ${lines} ${more} ${from(since)} -u ${source.unit}`
}

function from(since: LogReading['since']): ShellLine {
  if (since === undefined) return sh``
  const seconds = Math.ceil(since.ms / 1000)
  return since.kind === 'age' ? sh`--since=@$(expr "$(date +%s)" - ${seconds})` : sh`--since=${`@${seconds}`}`
}
