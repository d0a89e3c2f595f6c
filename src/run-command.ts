import { DeliverError, exitCodes, messageOf } from './errors.js'
import type { CommandContext, CommandResult } from './commands/context.js'
import { resultOf } from './commands/result-of-error.js'
import { writtenSecrets } from './config/notify.js'
import type { Config } from './config/types.js'
import type { Reporter } from './report/events.js'
import { listenForInterrupts, type Interrupt } from './interrupt.js'
import type { Vault } from './secrets/vault.js'

/** The options that every command has. */
export interface GlobalOptions {
  readonly config: string | undefined
  readonly env: string | undefined
  readonly json: boolean
  readonly plain: boolean
  readonly verbose: boolean
  readonly quiet: boolean
  readonly compact: boolean
  readonly debug: boolean
  /** Files to be written about the run. */
  readonly junit: string | undefined
  readonly report: string | undefined
}

/** What is run, for what is said about it. */
export interface Invocation {
  readonly globals: GlobalOptions
  readonly command: string
  readonly version: string
}

/** Runs one command of the CLI: makes its context, prints its result or error, and gives its exit code. */
export async function runCommand(
  { globals, command: name, version }: Invocation,
  exit: (code: number) => void,
  command: (context: CommandContext) => Promise<CommandResult>,
): Promise<number> {
  const [{ Vault }, { redactingReporter }] = await Promise.all([
    import('./secrets/vault.js'),
    import('./secrets/redacting.js'),
  ])
  const secrets = new Vault((text) => reporter.event({ type: 'warning', text }))
  const { redact } = secrets.redactor
  const reporter = redactingReporter(await reporterFor(globals, redact), redact)
  const stopAtOnce = (code: 130 | 143): void => {
    reporter.abandon?.(code)
    exit(code)
  }
  const interrupt = listenForInterrupts(process, stopAtOnce, (text) =>
    reporter.event({ type: 'warning', text }),
  )
  reporter.event({ type: 'run-started', command: name, version })
  let config: Promise<Config> | undefined
  const context: CommandContext = {
    cwd: process.cwd(),
    env: process.env,
    reporter,
    interrupt,
    secrets,
    print: (text) => void process.stdout.write(redact(text)),
    config: (flags) =>
      (config ??= load(globals, flags).then((loaded) => told(watched(loaded, secrets), reporter))),
    ...(process.stdin.isTTY && process.stdout.isTTY
      ? {
          ask: async (question) =>
            /^y(es)?$/i.test(await asked(reporter, () => askPerson(`${question} [y/N] `, interrupt.signal))),
          askFor: async (question, fallback = '') => {
            const shown = fallback === '' ? '' : ` [${fallback}]`
            const answer = await asked(reporter, () => askPerson(`${question}${shown}: `, interrupt.signal))
            return answer || fallback
          },
        }
      : {}),
  }
  const result = await finish(command(context), interrupt, globals.debug)
  reporter.event({ type: 'result', ok: result.code === exitCodes.done, ...result })
  await reporter.close()
  interrupt.dispose()
  return result.code
}

async function reporterFor(globals: GlobalOptions, redact: (text: string) => string): Promise<Reporter> {
  const { createReporter } = await import('./report/reporter.js')
  const { wantsColour, wantsLiveView } = await import('./report/colour.js')
  const { env, stdout, stderr } = process
  const live = wantsLiveView(env, stdout.isTTY) && !globals.quiet && !globals.debug
  return createReporter({
    mode: globals.json ? 'json' : globals.plain ? 'plain' : live ? 'live' : 'text',
    ...{ stdout, stderr, env },
    colour: !globals.plain && wantsColour(env, stdout.isTTY),
    verbose: globals.verbose || globals.debug,
    quiet: globals.quiet,
    compact: globals.compact,
    debug: globals.debug,
    junit: globals.junit,
    report: globals.report,
    redact,
  })
}

/** A question has the terminal for itself. */
function asked<T>(reporter: Reporter, work: () => Promise<T>): Promise<T> {
  return reporter.suspended === undefined ? work() : reporter.suspended(work)
}

async function told(config: Config, reporter: Reporter): Promise<Config> {
  const { shownSettings } = await import('./commands/shown-settings.js')
  const { app, environment } = config
  reporter.event({ type: 'config', app, environment, settings: shownSettings(config) })
  return config
}

async function load(globals: GlobalOptions, flags: Readonly<Record<string, string>> = {}): Promise<Config> {
  const { loadConfig } = await import('./config/load.js')
  return loadConfig({
    cwd: process.cwd(),
    env: process.env,
    flags,
    ...(globals.config === undefined ? {} : { file: globals.config }),
    ...(globals.env === undefined ? {} : { environment: globals.env }),
  })
}

function watched(config: Config, secrets: Vault): Config {
  secrets.watch(config, process.env)
  secrets.hide(writtenSecrets(config.notify))
  return config
}

async function finish(
  running: Promise<CommandResult>,
  interrupt: Interrupt,
  debug: boolean,
): Promise<CommandResult> {
  try {
    return await running
  } catch (error) {
    const result = resultOf(error, interrupt, { unexpected })
    const expected = error instanceof DeliverError && error !== interrupt.signal.reason
    return debug && expected ? { ...result, text: unexpected(error) } : result
  }
}

/** A defect of ours: the stack is what a bug report needs. */
function unexpected(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error)
}

/** What a person answers; '' at the end of input. An interrupt rejects. */
async function askPerson(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // In raw mode the terminal doesn't send the signal itself.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  try {
    return (await Promise.race([terminal.question(question, { signal }), closed])).trim()
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    terminal.close()
  }
}
