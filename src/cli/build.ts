import { cacheOption, commitOptions, copyOption, flag, tagOption, text, type Declare } from './command.js'

/** What makes a release: `setup`, `commit-deps`, `archive`, `publish`. */
export function declareBuildCommands(command: Declare): void {
  command(
    'setup',
    'build the app here: runtime and dependencies, for production',
    cacheOption,
    async (context, options) =>
      (await import('../commands/setup.js')).setup(context, { cache: options.cache !== false }),
  )
  command(
    'commit-deps',
    'commit what setup made to this clone, on no branch, and tag it',
    (c) => commitOptions(tagOption(c)),
    async (context, options) =>
      (await import('../commands/commit-deps.js')).commitDeps(context, {
        tag: text(options.tag),
        force: flag(options.force),
        allowDirty: flag(options.allowDirty),
      }),
  )
  command(
    'archive',
    'make the archive and manifest of the tag',
    (c) => copyOption(tagOption(c)),
    async (context, options) =>
      (await import('../commands/archive.js')).archive(context, {
        tag: text(options.tag),
        cache: options.cache !== false,
      }),
  )
  command(
    'publish',
    'put the archive into the store',
    (c) =>
      copyOption(tagOption(c))
        .option('--confirm <reason>', 'a person must say yes to this release (rollout.confirm: marked)')
        .option('--oldest-rollback <release>', 'the oldest release that hosts may go back to from this one'),
    async (context, options) =>
      (await import('../commands/publish.js')).publish(context, {
        tag: text(options.tag),
        confirm: text(options.confirm),
        oldestRollback: text(options.oldestRollback),
        cache: options.cache !== false,
      }),
  )
}
