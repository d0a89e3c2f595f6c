import { selectionOptions, text, type Declare } from './command.js'

/** What looks and changes nothing: `status`, `releases`, `history`. */
export function declareRecordCommands(command: Declare): void {
  command('status', 'which release runs on each host', selectionOptions, async (context, options) =>
    (await import('../commands/status.js')).status(context, {
      hosts: text(options.hosts),
      limit: text(options.limit),
    }),
  )
  command(
    'releases',
    'the releases in the store, newest first',
    (c) => c.option('-n, --limit <count>', 'how many', '20'),
    async (context, options) =>
      (await import('../commands/releases.js')).releases(context, { limit: text(options.limit) }),
  )
  command(
    'history',
    'who deployed what, newest first',
    (c) => c.option('-n, --limit <count>', 'how many', '20'),
    async (context, options) =>
      (await import('../commands/history.js')).history(context, { limit: text(options.limit) }),
  )
}
