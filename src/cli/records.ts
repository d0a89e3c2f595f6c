import { flag, selectionOptions, text, type Declare } from './command.js'

/** What looks and changes nothing: `status`, `releases`, `history`. */
export function declareRecordCommands(command: Declare): void {
  command(
    'status',
    'which release runs on each host',
    (c) =>
      selectionOptions(c).option(
        '--exit-code',
        'end with 4 when a host runs another release, is not confirmed or not healthy',
      ),
    async (context, options) =>
      (await import('../commands/status.js')).status(context, {
        hosts: text(options.hosts),
        limit: text(options.limit),
        exitCode: flag(options.exitCode),
      }),
  )
  command(
    'releases',
    'the releases in the store, newest first',
    (c) =>
      c
        .option('-n, --limit <count>', 'how many', '20')
        .option('--all', 'ask all hosts what they have and run')
        .option('--hosts <names>', 'ask these hosts'),
    async (context, options) =>
      (await import('../commands/releases.js')).releases(context, {
        limit: text(options.limit),
        all: flag(options.all),
        hosts: text(options.hosts),
      }),
  )
  command(
    'history',
    'who deployed what, newest first',
    (c) =>
      c
        .option('-n, --limit <count>', 'how many', '20')
        .option('--release <release>', 'only runs that brought or left it')
        .option('--host <names>', 'what these hosts wrote down themselves: names, globs, label=value'),
    async (context, options) =>
      (await import('../commands/history.js')).history(context, {
        limit: text(options.limit),
        release: text(options.release),
        host: text(options.host),
      }),
  )
}
