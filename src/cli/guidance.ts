import { shells } from './completion-scripts.js'
import type { Declare } from './command.js'

const installation = `
  bash, in ~/.bashrc:                       source <(deliver completion bash)
  zsh, in ~/.zshrc after compinit:          source <(deliver completion zsh)
  fish, in ~/.config/fish/config.fish:      deliver completion fish | source

TAB runs the config for environments and hosts, and asks the store for releases, for at most 3 seconds.`

/** What helps people with deliver itself: `completion`. */
export function declareGuidanceCommands(command: Declare): void {
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
