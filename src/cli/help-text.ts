import type { Command } from 'commander'

/** All that `--help` shows, with what stands below the lists. */
export function helpText(command: Command): string {
  let text = ''
  const before = command.configureOutput()
  command.configureOutput({ ...before, writeOut: (part) => (text += part) })
  command.outputHelp()
  command.configureOutput(before)
  return text
}
