import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { exitCodes } from './errors.js'
import { runCommand, type GlobalOptions } from './run-command.js'
import type { CommandContext, CommandResult } from './commands/context.js'

/** Runs `deliver` with these arguments and resolves to its exit code. Prints through the process's own streams. */
export async function main(argv: readonly string[], exit: (code: number) => void): Promise<number> {
  // Whoever reads us may stop reading (`| head -1`): that is no error, and ends no deploy.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const { Command, CommanderError } = await import('commander')
  let code: number = exitCodes.done
  const program = describe(new Command(), (run) => async (globals, options, args) => {
    code = await runCommand(globals, exit, (context) => run(context, options, args))
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
}

type Options = Readonly<Record<string, unknown>>
type Run = (context: CommandContext, options: Options, args: readonly string[]) => Promise<CommandResult>
type Bind = (run: Run) => (globals: GlobalOptions, options: Options, args: readonly string[]) => Promise<void>

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const flag = (value: unknown): boolean => value === true

function version(): string {
  const data: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof data === 'object' && data !== null && 'version' in data ? String(data.version) : 'unknown'
}

function describe(program: Command, bind: Bind): Command {
  program
    .name('deliver')
    .description('Takes an app from a git checkout to every server that runs it.')
    .version(version(), '-V, --version')
    .option('-c, --config <file>', 'config file (default: deliver.config.* here or above)')
    .option('-e, --env <name>', 'environment of the config')
    .option('--json', 'one event per line, as JSON')
    .option('--plain', 'no colour, no moving parts')
    .option('--verbose', 'the output of remote commands too')
    .option('--quiet', 'only what changed, warnings and errors')
    .helpOption('-h, --help', 'show help; never acts')
    .showSuggestionAfterError()
    .showHelpAfterError('(deliver --help lists the commands)')
    .allowExcessArguments(false)
    .exitOverride()
    .addHelpText('after', exitCodeHelp)

  const command = (name: string, summary: string, shape: (c: Command) => Command, run: Run): void => {
    const sub = shape(program.command(name).description(summary).allowExcessArguments(false))
    const bound = bind(run)
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
        },
        sub.opts(),
        sub.args,
      )
    })
  }

  const tag = (c: Command): Command =>
    c.option(
      '--tag <release>',
      'name of the release (default: $TAG, else the version tag on HEAD or branch and commit)',
    )
  const rollout = (c: Command): Command =>
    c
      .option('--hosts <names>', 'only these hosts: names, globs, label=value; comma separated')
      .option('--batch <size>', 'hosts per batch: 2, 25%')
      .option('--strategy <name>', 'parallel or rolling')
      .option('--on-failure <policy>', 'rollback, rollback-host or stop')
      .option('--dry-run', 'print the plan and stop')
      .option('--lock-wait <duration>', 'wait that long for another deploy to end, e.g. 15m')
      .option('-y, --yes', 'answer every question with yes')

  command(
    'setup',
    'build the app here: runtime and dependencies, for production',
    (c) => c,
    async (context) => (await import('./commands/setup.js')).setup(context),
  )
  command(
    'commit-deps',
    'commit what setup made to this clone, on no branch, and tag it',
    (c) =>
      tag(c)
        .option('--force', 'move the tag if it names another tree')
        .option('--allow-dirty', 'leave uncommitted changes of tracked files out, instead of refusing'),
    async (context, options) =>
      (await import('./commands/commit-deps.js')).commitDeps(context, {
        tag: text(options.tag),
        force: flag(options.force),
        allowDirty: flag(options.allowDirty),
      }),
  )
  command('archive', 'make the archive and manifest of the tag', tag, async (context, options) =>
    (await import('./commands/archive.js')).archive(context, { tag: text(options.tag) }),
  )
  command('publish', 'put the archive into the store', tag, async (context, options) =>
    (await import('./commands/publish.js')).publish(context, { tag: text(options.tag) }),
  )
  command(
    'deploy',
    'roll a release out to every host of the fleet',
    (c) =>
      rollout(c.argument('[release]', 'default: $TAG, else the newest published')).option(
        '--only-outdated',
        'leave hosts that run the release alone',
      ),
    async (context, options, args) =>
      (await import('./commands/deploy.js')).deploy(context, { ...rolloutFlags(options), release: args[0] }),
  )
  command(
    'rollback',
    "go back to each host's last good release, or to the one named",
    (c) => rollout(c.argument('[release]', "default: each host's last good one")),
    async (context, options, args) =>
      (await import('./commands/rollback.js')).rollback(context, {
        ...rolloutFlags(options),
        release: args[0],
      }),
  )
  command(
    'ship',
    'setup, commit-deps, archive, publish and deploy, in order',
    (c) =>
      rollout(tag(c))
        .option('--force', 'move the tag if it names another tree')
        .option('--allow-dirty', 'leave uncommitted changes of tracked files out, instead of refusing'),
    async (context, options) =>
      (await import('./commands/ship.js')).ship(context, {
        ...rolloutFlags(options),
        tag: text(options.tag),
        force: flag(options.force),
        allowDirty: flag(options.allowDirty),
      }),
  )
  command(
    'status',
    'which release runs on each host',
    (c) => c.option('--hosts <names>', 'only these hosts'),
    async (context, options) =>
      (await import('./commands/status.js')).status(context, { hosts: text(options.hosts) }),
  )
  command(
    'releases',
    'the releases in the store, newest first',
    (c) => c.option('-n, --limit <count>', 'how many', '20'),
    async (context, options) =>
      (await import('./commands/releases.js')).releases(context, { limit: text(options.limit) }),
  )
  command(
    'history',
    'who deployed what, newest first',
    (c) => c.option('-n, --limit <count>', 'how many', '20'),
    async (context, options) =>
      (await import('./commands/history.js')).history(context, { limit: text(options.limit) }),
  )
  command(
    'unlock',
    'remove the lock of a deploy that cannot do it itself',
    (c) => c.argument('<id>', 'the id that the message of the lock shows'),
    async (context, _options, args) =>
      (await import('./commands/unlock.js')).unlock(context, { id: args[0] ?? '' }),
  )
  command(
    'clean',
    'remove old prebuilt tags and archives from this clone, and their objects',
    (c) => c.option('--keep <count>', 'how many to leave (default: build.keep)'),
    async (context, options) =>
      (await import('./commands/clean.js')).clean(context, { keep: text(options.keep) }),
  )
  command(
    'sandbox',
    'start hosts on this machine to try things on, until Ctrl-C',
    (c) =>
      c
        .option('--hosts <count>', 'how many', '3')
        .option('--dir <directory>', 'where they live')
        .option('--port <port>', 'the port that the app listens on, as the config says it', '3000')
        .option('--start <command>', 'how a host starts the app, in its release'),
    async (context, options) =>
      (await import('./commands/sandbox.js')).sandbox(context, {
        hosts: text(options.hosts),
        directory: text(options.dir),
        port: text(options.port),
        start: text(options.start),
      }),
  )
  return program
}

function rolloutFlags(options: Options): import('./commands/rollout-options.js').RolloutOptions {
  return {
    hosts: text(options.hosts),
    batch: text(options.batch),
    strategy: text(options.strategy),
    onFailure: text(options.onFailure),
    dryRun: flag(options.dryRun),
    lockWait: text(options.lockWait),
    yes: flag(options.yes),
    onlyOutdated: flag(options.onlyOutdated),
  }
}

const exitCodeHelp = `
Exit codes: 0 done, 1 failed and nothing switched, 2 usage or config, 3 locked, 4 partial, 5 failed and rolled back,
  6 rollback failed, 7 no hosts, 8 precondition, 130/143 interrupted.

A first deploy: deliver sandbox, or write deliver.config.ts and run deliver ship.`
