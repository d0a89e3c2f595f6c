import { parseDuration } from '../config/values.js'
import { adviceOf, DeliverError, exitCodes } from '../errors.js'
import type { HostLink } from '../execute/link.js'
import type { Selection } from '../plan/select.js'
import { run } from '../remote/command-verbs.js'
import { quoteWords } from '../remote/quote.js'
import { readRun } from '../remote/readings.js'
import type { Cell } from '../report/events.js'
import { showMilliseconds } from '../report/units.js'
import { askHosts } from './ask-hosts.js'
import type { CommandContext, CommandResult } from './context.js'

export interface ExecOptions extends Selection {
  /** One text is a line for the host's shell; several are a program and its arguments, each exactly as it is. */
  readonly command: readonly string[]
  /** `current` (default), `home`, or an absolute path. */
  readonly dir?: string | undefined
  /** One host after the other, and no further after a failure. */
  readonly rolling?: boolean | undefined
  /** Each line as it comes, behind the host's name, instead of one block per host at its end. */
  readonly prefix?: boolean | undefined
  /** How long it may take on one host; enforced there. Default: 10m. */
  readonly timeout?: string | undefined
}

export interface Executed {
  readonly host: string
  /** The command's exit code; absent: it has none, and `because` says why. */
  readonly exit?: number
  readonly because?: string
  readonly skipped?: true
  readonly ms: number
}

/** More time than the host's own limit needs to end a command and to tell. */
const slack = 30_000

/** Lines of a block that are kept until its host is done. */
const mostLines = 100_000

/** `deliver exec`: runs a command on hosts, with its stdin closed. Fails when it fails on any of them. */
export async function exec(context: CommandContext, options: ExecOptions): Promise<CommandResult> {
  const config = await context.config()
  const work = {
    command: options.command.length === 1 ? (options.command[0] ?? '') : quoteWords(options.command),
    directory: directoryOf(options.dir ?? 'current'),
    timeout: timeoutOf(options.timeout ?? '10m'),
    prefix: options.prefix === true,
  }
  if (work.command.trim() === '')
    throw new DeliverError('usage', 'exec: there is no command', { fix: 'Write deliver exec -- uptime.' })
  let failed = false
  const each = async (link: HostLink): Promise<Executed> => {
    const host = link.host.name
    if (context.interrupt.signal.aborted) return { host, skipped: true, because: 'interrupted', ms: 0 }
    if (options.rolling === true && failed)
      return { host, skipped: true, because: 'a host before it failed', ms: 0 }
    const executed = await executeOn(context, link, work)
    failed ||= executed.exit !== 0
    return executed
  }
  const concurrency = options.rolling === true ? 1 : config.ssh.concurrency
  const narrowed = { ...config, ssh: { ...config.ssh, concurrency } }
  const executed = await askHosts(context, narrowed, options, each)
  context.reporter.event({
    type: 'table',
    columns: ['host', 'exit', 'time', 'note'],
    rows: executed.map(cellsOf),
  })
  return verdict(context, executed)
}

interface Work {
  readonly command: string
  readonly directory: Parameters<typeof run>[0]['directory']
  readonly timeout: number
  readonly prefix: boolean
}

async function executeOn(
  { reporter, interrupt }: CommandContext,
  link: HostLink,
  { command, directory, timeout, prefix }: Work,
): Promise<Executed> {
  const host = link.host.name
  const started = performance.now()
  const lines: string[] = []
  let left = 0
  const onLog = (line: string): void => {
    if (prefix) reporter.event({ type: 'host-lines', host, lines: [line] })
    else if (lines.length < mostLines) lines.push(line)
    else left++
  }
  const found = await outcomeOf(link, run({ command, directory, timeout }), {
    timeout,
    signal: interrupt.signal,
    onLog,
  })
  const executed: Executed = { host, ms: Math.round(performance.now() - started), ...found }
  const { ms } = executed
  if (left > 0) lines.push(`… ${left} more lines`)
  const title = `${executed.because ?? `exit ${executed.exit ?? '?'}`}, ${showMilliseconds(ms)}`
  if (!prefix) reporter.event({ type: 'host-lines', host, title, lines })
  return executed
}

/** Without a connection it certainly did not run; once there is one, nobody can tell. */
async function outcomeOf(
  link: HostLink,
  call: ReturnType<typeof run>,
  { timeout, signal, onLog }: Pick<Work, 'timeout'> & { signal: AbortSignal; onLog: (line: string) => void },
): Promise<Pick<Executed, 'exit' | 'because'>> {
  try {
    await link.session(signal)
  } catch (error) {
    return { because: `not run: ${signal.aborted ? 'interrupted' : adviceOf(error).replace(/\.$/, '')}` }
  }
  const reading = readRun(await link.call(call, { timeout: timeout + slack, signal, onLog }))
  return reading.kind === 'ok' && reading.value.exit !== undefined
    ? { exit: reading.value.exit }
    : { because: whyNone(reading, timeout) }
}

function whyNone(reading: ReturnType<typeof readRun>, timeout: number): string {
  switch (reading.kind) {
    case 'ok':
      return `not done within ${showMilliseconds(timeout)}, and killed`
    case 'refused':
      return `could not be run: ${reading.text}`
    case 'unknown':
      return `unknown whether it ran: ${reading.because}`
  }
}

function cellsOf({ host, exit, because, skipped, ms }: Executed): readonly Cell[] {
  const tone = exit === 0 ? 'good' : skipped === true ? 'dim' : 'bad'
  return [
    { text: host, tone: 'strong' },
    { text: exit === undefined ? '-' : String(exit), tone },
    { text: skipped === true ? '-' : showMilliseconds(ms) },
    { text: because === undefined ? '' : `${skipped === true ? 'skipped: ' : ''}${because}`, tone },
  ]
}

function verdict({ interrupt }: CommandContext, executed: readonly Executed[]): CommandResult {
  const data = { hosts: executed }
  const good = executed.filter(({ exit }) => exit === 0)
  const text = `exit 0 on ${good.length} of ${executed.length} hosts`
  if (interrupt.reason !== undefined) {
    const fix = 'A command that was begun may go on until its time limit.'
    return { code: exitCodes[interrupt.reason], text: `interrupted; ${text}`, fix, data }
  }
  if (good.length === executed.length) return { code: exitCodes.done, text, data }
  const bad = executed.filter(({ exit }) => exit !== 0).map(({ host }) => host)
  return { code: exitCodes.failed, text: `${text}; not on ${bad.join(', ')}`, data }
}

function directoryOf(text: string): Work['directory'] {
  if (text === 'current' || text === 'home') return text
  if (text.startsWith('/')) return `/${text.slice(1)}`
  throw new DeliverError('usage', `--dir: ${JSON.stringify(text)} is no directory of hosts`, {
    fix: 'Write current, home, or an absolute path.',
  })
}

function timeoutOf(text: string): number {
  const parsed = parseDuration(text)
  if (parsed.ok && parsed.value > 0) return parsed.value
  throw new DeliverError('usage', `--timeout: ${parsed.ok ? 'is too short' : parsed.problem}`, {
    fix: 'Write e.g. 90s or 10m.',
  })
}
