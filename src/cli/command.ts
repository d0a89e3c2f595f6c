import type { Command } from 'commander'
import type { CommandContext, CommandResult } from '../commands/context.js'

/** The options of one command as commander gives them: `text` and `flag` read them. */
export type Options = Readonly<Record<string, unknown>>
export type Run = (
  context: CommandContext,
  options: Options,
  args: readonly string[],
) => Promise<CommandResult>
/** Adds one command to the program. `shape` gives it its arguments and options. */
export type Declare = (name: string, summary: string, shape: (c: Command) => Command, run: Run) => void

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
export const flag = (value: unknown): boolean => value === true

export const tagOption = (c: Command): Command =>
  c.option(
    '--tag <release>',
    'name of the release (default: $TAG, else the version tag on HEAD or branch and commit)',
  )

/** Which hosts a command is for: see plan/select.ts. */
export const selectionOptions = (c: Command): Command =>
  c
    .option('--hosts <names>', 'only these hosts: names, globs, label=value; comma separated')
    .option('--limit <count>', 'only the first so many of them')

export const cacheOption = (c: Command): Command =>
  c.option('--no-cache', 'run the setup command, whatever the clone has, and keep nothing')

export const copyOption = (c: Command): Command =>
  c.option('--no-cache', 'make all of the archive anew, and copy nothing from earlier ones')

export const freshOption = (c: Command): Command =>
  c.option('--no-cache', 'run the setup command, keep nothing of it, and make all of the archive anew')

/** How `commit-deps` may treat the tag and the clone; `ship` passes them on. */
export const commitOptions = (c: Command): Command =>
  c
    .option('--force', 'move the tag if it names another tree')
    .option('--allow-dirty', 'leave uncommitted changes of tracked files out, instead of refusing')
