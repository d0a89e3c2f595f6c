import type { Command } from 'commander'
import { shells } from '../guidance/completion-scripts.js'
import { text, type Declare } from './command.js'
import { helpText } from './help-text.js'

const installation = `
  bash, in ~/.bashrc:                       source <(deliver completion bash)
  zsh, in ~/.zshrc after compinit:          source <(deliver completion zsh)
  fish, in ~/.config/fish/config.fish:      deliver completion fish | source

TAB runs the config for environments and hosts, and asks the store for releases, for at most 3 seconds.`

/** What helps people with deliver itself: `help`, `explain`, `completion`. */
export function declareGuidanceCommands(command: Declare, program: Command): void {
  command(
    'help',
    'tell of a topic, a command, or a section or key of the config',
    (c) => c.argument('[topic]', 'default: the list of commands and topics'),
    async (context, _options, [topic]) => {
      const ofCommand = (name?: string): string | undefined => {
        const found = program.commands.find(
          (each) => each.name() === name || each.aliases().includes(name ?? ''),
        )
        return name === undefined ? helpText(program) : found && helpText(found)
      }
      const commands = program.commands.map((each) => each.name())
      return (await import('../commands/help.js')).help(context, { topic, ofCommand, commands })
    },
  )
  command(
    'explain',
    'tell what an exit code means, and what to do about it',
    (c) => c.argument('[code]', 'a number, or the kind of an error such as partial; default: all'),
    async (context, _options, [code]) =>
      (await import('../commands/explain.js')).explain(context, { code: text(code) }),
  )
  command(
    'completion',
    'print what makes TAB complete commands, options, environments, releases and hosts',
    (c) =>
      c
        .addArgument(c.createArgument('<shell>', 'bash, zsh or fish').choices(shells))
        .addHelpText('after', installation),
    async (context, _options, [shell = '']) =>
      (await import('../commands/completion.js')).completion(context, { shell }),
  )
}
