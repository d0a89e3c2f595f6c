import { DeliverError, exitCodeOf, exitCodes, messageOf } from './errors.js'
import type { CommandContext, CommandResult } from './commands/context.js'
import type { Config } from './config/types.js'
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
}

/** Runs one command of the CLI: makes its context, prints its result or error, and gives its exit code. */
export async function runCommand(
  globals: GlobalOptions,
  exit: (code: number) => void,
  command: (context: CommandContext) => Promise<CommandResult>,
): Promise<number> {
  const [{ createReporter }, { Vault }, { redactingReporter }] = await Promise.all([
    import('./report/reporter.js'),
    import('./secrets/vault.js'),
    import('./secrets/redacting.js'),
  ])
  const secrets = new Vault((text) => reporter.event({ type: 'warning', text }))
  const { redact } = secrets.redactor
  const written = createReporter({
    mode: globals.json ? 'json' : globals.plain ? 'plain' : 'text',
    stdout: process.stdout,
    stderr: process.stderr,
    colour: !globals.plain && wantsColour(process.env, process.stdout.isTTY),
    verbose: globals.verbose,
    quiet: globals.quiet,
    redact,
  })
  const reporter = redactingReporter(written, redact)
  const interrupt = listenForInterrupts(process, exit, (text) => reporter.event({ type: 'warning', text }))
  let config: Promise<Config> | undefined
  const context: CommandContext = {
    cwd: process.cwd(),
    env: process.env,
    reporter,
    interrupt,
    secrets,
    print: (text) => void process.stdout.write(redact(text)),
    config: (flags) => (config ??= load(globals, flags).then((loaded) => watched(loaded, secrets))),
    ...(process.stdin.isTTY && process.stdout.isTTY
      ? { ask: (question) => ask(question, interrupt.signal) }
      : {}),
  }
  const result = await finish(command(context), interrupt)
  reporter.event({ type: 'result', ok: result.code === exitCodes.done, ...result })
  await reporter.close()
  interrupt.dispose()
  return result.code
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
  return config
}

/** An error that comes because somebody asked to stop is that interrupt, not a failure. */
async function finish(running: Promise<CommandResult>, interrupt: Interrupt): Promise<CommandResult> {
  try {
    return await running
  } catch (error) {
    const code = interrupt.reason === undefined ? exitCodeOf(error) : exitCodes[interrupt.reason]
    if (interrupt.reason !== undefined && error === interrupt.signal.reason)
      return { code, text: `${interrupt.reason}; nothing more was begun` }
    if (!(error instanceof DeliverError)) return { code, text: unexpected(error) }
    return { code, text: error.message, ...(error.fix === undefined ? {} : { fix: error.fix }) }
  }
}

/** A defect of ours: the stack is what a bug report needs. */
function unexpected(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error)
}

/** NO_COLOR and FORCE_COLOR as their conventions say; else colour is for terminals. */
export function wantsColour(env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return terminal && env.TERM !== 'dumb'
}

/** Anything but yes is no: an end of input too. An interrupt rejects. */
async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // In raw mode the terminal doesn't send the signal itself.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    terminal.close()
  }
}
