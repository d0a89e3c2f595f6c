import { commitOptions, flag, tagOption, text, type Declare } from './command.js'

/** What makes a release: `setup`, `commit-deps`, `archive`, `publish`. */
export function declareBuildCommands(command: Declare): void {
  command(
    'setup',
    'build the app here: runtime and dependencies, for production',
    (c) => c,
    async (context) => (await import('../commands/setup.js')).setup(context),
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
  command('archive', 'make the archive and manifest of the tag', tagOption, async (context, options) =>
    (await import('../commands/archive.js')).archive(context, { tag: text(options.tag) }),
  )
  command('publish', 'put the archive into the store', tagOption, async (context, options) =>
    (await import('../commands/publish.js')).publish(context, { tag: text(options.tag) }),
  )
}
