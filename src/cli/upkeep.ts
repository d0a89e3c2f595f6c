import { flag, selectionOptions, text, type Declare } from './command.js'

/** What keeps things in order, what AWS is given, and the place to try them. */
export function declareUpkeepCommands(command: Declare): void {
  command(
    'check',
    'whether a deploy would find everything as it must be, and what to do where not',
    (c) =>
      selectionOptions(c.alias('doctor'))
        .option('--fix', 'put right what runs of deliver left: standby, staging, locks, uploads, the alias')
        .option('--lock-wait <duration>', 'with --fix: wait that long for a deploy to end, e.g. 15m')
        .addHelpText(
          'after',
          '\nExit codes: 0 no problems (there may be warnings), 8 problems, 7 no hosts, 3 --fix found a deploy under way.',
        ),
    async (context, options) =>
      (await import('../commands/check.js')).check(context, {
        hosts: text(options.hosts),
        limit: text(options.limit),
        fix: flag(options.fix),
        lockWait: text(options.lockWait),
      }),
  )
  command(
    'unlock',
    'remove the lock of a deploy that cannot do it itself',
    (c) => c.argument('<id>', 'the id that the message of the lock shows'),
    async (context, _options, args) =>
      (await import('../commands/unlock.js')).unlock(context, { id: args[0] ?? '' }),
  )
  command(
    'prune',
    'remove releases from the store that nothing needs any more',
    (c) =>
      c
        .option('--keep <count>', 'how many of the newest stay (default: store.keep)')
        .option('--dry-run', 'show what would go, and why')
        .option('--lock-wait <duration>', 'wait that long for a deploy to end, e.g. 15m'),
    async (context, options) =>
      (await import('../commands/prune.js')).prune(context, {
        keep: text(options.keep),
        dryRun: flag(options.dryRun),
        lockWait: text(options.lockWait),
      }),
  )
  command(
    'clean',
    'remove old prebuilt tags and archives from this clone, and their objects',
    (c) => c.option('--keep <count>', 'how many to leave (default: build.keep)'),
    async (context, options) =>
      (await import('../commands/clean.js')).clean(context, { keep: text(options.keep) }),
  )
  command(
    'user-data',
    'print what a server runs at its first start to install the app by itself',
    (c) =>
      c
        .option('--format <name>', 'sh, cloud-init, or program (to read, or to put into an image)', 'sh')
        .option('--presign <duration>', 'by URLs of the current release that are good for so long, e.g. 12h')
        .addHelpText(
          'after',
          `
Exit codes of deliver-agent on a server: 0 it runs what the pointer names, 1 its last good release instead, 2 usage,
  3 nothing was started.`,
        ),
    async (context, options) =>
      (await import('../commands/user-data.js')).userData(context, {
        format: text(options.format),
        presign: text(options.presign),
      }),
  )
  command(
    'iam',
    'print the least that AWS must allow, as an IAM policy',
    (c) => c.option('--policy <whose>', 'ci: what deploys; instance: servers that boot', 'ci'),
    async (context, options) =>
      (await import('../commands/iam.js')).iam(context, { policy: text(options.policy) }),
  )
  command(
    'sandbox',
    'start hosts on this machine to try things on, until Ctrl-C',
    (c) =>
      c
        .option('--hosts <count>', 'how many', '3')
        .option('--dir <directory>', 'where they live')
        .option('--port <port>', 'the port that the app listens on, as the config says it', '3000')
        .option('--start <command>', 'how a host starts the app, in its release')
        .option('--fresh', 'begin with empty hosts and an empty store')
        .option('--write <file>', 'write the config for them there, e.g. deliver.config.ts'),
    async (context, options) =>
      (await import('../commands/sandbox.js')).sandbox(context, {
        hosts: text(options.hosts),
        directory: text(options.dir),
        port: text(options.port),
        start: text(options.start),
        fresh: options.fresh === true,
        write: text(options.write),
      }),
  )
}
