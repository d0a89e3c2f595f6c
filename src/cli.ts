import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { declareBuildCommands } from './cli/build.js'
import { flag, text, type Declare, type Options, type Run } from './cli/command.js'
import { declareGuidanceCommands } from './cli/guidance.js'
import { declareHostCommands } from './cli/hosts.js'
import { declareInitCommand } from './cli/init.js'
import { declareRecordCommands } from './cli/records.js'
import { declareRolloutCommands } from './cli/rollout.js'
import { declareUpkeepCommands } from './cli/upkeep.js'
import { exitCodes } from './errors.js'
import { examplesText } from './guidance/examples.js'
import { exitCodeSummary } from './guidance/exit-codes.js'
import { topics } from './guidance/topics.js'
import { wrapped } from './guidance/wrap.js'
import { packageFile } from './own-files.js'
import { runCommand, type GlobalOptions } from './run-command.js'

/** Runs `deliver` with these arguments and resolves to its exit code. Prints through the process's own streams. */
export async function main(argv: readonly string[], exit: (code: number) => void): Promise<number> {
  // Whoever reads us may stop reading (`| head -1`): that is no error, and ends no deploy.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const { Command, CommanderError } = await import('commander')
  if (argv[0] === completing) return answer(describeProgram(new Command()), argv.slice(1), exit)
  let code: number = exitCodes.done
  const program = describeProgram(new Command(), (run, command) => async (globals, options, args) => {
    const invocation = { globals, command, version: version() }
    code = await runCommand(invocation, exit, (context) => run(context, options, args))
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
}

/** What the scripts of guidance/completion-scripts.ts ask. */
const completing = '__complete'

async function answer(
  program: Command,
  words: readonly string[],
  exit: (code: number) => void,
): Promise<number> {
  const { answerCompletion } = await import('./cli/answer-completion.js')
  // A config is code, and what it prints is no candidate.
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = () => true
  const lines = await answerCompletion(program, words)
  process.stdout.write = write
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  // Whoever was asked in vain may still be at it.
  exit(exitCodes.done)
  return exitCodes.done
}

type Bind = (
  run: Run,
  command: string,
) => (globals: GlobalOptions, options: Options, args: readonly string[]) => Promise<void>

function version(): string {
  const data: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))
  return typeof data === 'object' && data !== null && 'version' in data ? String(data.version) : 'unknown'
}

/** Tells an empty program all commands and options. Without `bind` they do nothing: for documentation and its tests. */
export function describeProgram(program: Command, bind: Bind = () => async () => undefined): Command {
  program
    .name('deliver')
    .description('Takes an app from a git checkout to every server that runs it.')
    .version(version(), '-v, --version')
    .option('-c, --config <file>', 'config file (default: deliver.config.* here or above)')
    .option('-e, --env <name>', 'environment of the config')
    .option('--json', 'one event per line, as JSON')
    .option('-P, --plain', 'no colour, no moving parts')
    .option('-V, --verbose', 'every state that a host passes, and each answer of its health check')
    .option('-q, --quiet', 'only what changed, warnings and errors')
    .option('-C, --compact', 'no output of builds and hooks, unless they fail')
    .option('-D, --debug', 'all that there is to see, and where in deliver an error comes from')
    .option('--junit <file>', 'write steps and hosts as test results')
    .option('--report <file>', 'write a page about the run: timeline, hosts, logs')
    .helpOption('-h, --help', 'show help; never acts')
    .showSuggestionAfterError()
    .showHelpAfterError('(deliver --help lists the commands)')
    .allowExcessArguments(false)
    .exitOverride()
    .helpCommand(false)
    .addHelpText('after', ending)

  const command: Declare = (name, summary, shape, run) => {
    const sub = shape(program.command(name).description(summary).allowExcessArguments(false))
    sub.addHelpText('after', () => examplesText(name))
    const bound = bind(run, name)
    sub.action(async () => {
      const globals = program.opts()
      await bound(
        {
          config: text(globals.config),
          env: text(globals.env),
          json: flag(globals.json),
          plain: flag(globals.plain),
          verbose: flag(globals.verbose),
          quiet: flag(globals.quiet),
          compact: flag(globals.compact),
          debug: flag(globals.debug),
          junit: text(globals.junit),
          report: text(globals.report),
        },
        sub.opts(),
        sub.args,
      )
    })
  }

  declareInitCommand(command)
  declareBuildCommands(command)
  declareRolloutCommands(command)
  declareRecordCommands(command)
  declareHostCommands(command)
  declareUpkeepCommands(command)
  declareGuidanceCommands(command, program)
  return program
}

const ending = (): string => `
${wrapped(`Exit codes (deliver explain CODE): ${exitCodeSummary()}.`, 100)}

${wrapped(`Topics (deliver help TOPIC): ${topics.map(({ name }) => name).join(', ')}; any key of the config.`, 100)}

A first deploy: deliver sandbox to try it on this machine, or deliver init and deliver ship.`
