import type { Argument, Command, Option } from 'commander'
import { exitCodeTable } from '../guidance/exit-codes.js'
import { variables } from '../guidance/variables.js'
import { helpText } from './help-text.js'

/** docs/cli.md, from the program. scripts/docs.js brings it into prettier's layout. */
export function cliDocs(program: Command): string {
  const visible = program.createHelp().visibleCommands(program)
  const commands = visible.filter((each) => program.commands.includes(each))
  return `${[intro, optionTable(program), notes(program), ...commands.map(section), exitCodes(), environment()].join('\n\n')}\n`
}

const intro = `# Command line

<!-- Written by scripts/docs.js from src/cli. Change the commands there and run it again. -->

\`deliver [options] COMMAND\`. Options of the program may stand before or after the command. Unknown commands, options and arguments are
errors (exit code 2), and \`--help\` never acts. Nearly every key of the [configuration](configuration.md) can be set for one run by a variable.

## Options of every command`

function section(command: Command): string {
  const parts = [`## ${command.name()}`, `\`deliver ${command.name()} ${command.usage()}\``]
  const aliases = command.aliases().map((each) => `\`deliver ${each}\``)
  const also = aliases.length > 0 ? ` Also: ${aliases.join(', ')}.` : ''
  return [
    ...parts,
    `${sentence(command.description())}${also}`,
    argumentTable(command.registeredArguments),
    optionTable(command),
    notes(command),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function argumentTable(given: readonly Argument[]): string {
  return table(
    'argument',
    given.map((each) => [each.name(), each.description]),
  )
}

function optionTable(command: Command): string {
  const options = command.options.filter(({ hidden }) => !hidden)
  return table(
    'option',
    options.map((option) => [option.flags, `${option.description}${fallback(option)}`]),
  )
}

/** A default that the description doesn't tell. */
function fallback({ defaultValue, negate }: Option): string {
  return defaultValue === undefined || negate ? '' : ` (default: ${String(defaultValue)})`
}

function table(what: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return ''
  const lines = rows.map(([name, about]) => `| \`${name.replaceAll('|', '\\|')}\` | ${inMarkdown(about)} |`)
  return [`| ${what} | |`, '| --- | --- |', ...lines].join('\n')
}

/** What the help says below its lists: exit codes, examples. */
function notes(command: Command): string {
  const text = helpText(command).slice(command.helpInformation().length).trim()
  return text === '' ? '' : `\`\`\`\n${text}\n\`\`\``
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${inMarkdown(text.slice(1))}.`
}

function inMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_<|[]/g, '\\$&')
}

function exitCodes(): string {
  return `## Exit codes\n\n${exitCodeTable()}`
}

function environment(): string {
  const rows = variables.map(({ names, more = '', about, page }) => {
    const linked = page === undefined ? inMarkdown(about) : `${inMarkdown(about)}: [more](${page})`
    return `| ${names.map((name) => `\`${name}\``).join(', ')}${more} | ${linked} |`
  })
  return ['## Variables', '', '| variable | |', '| --- | --- |', ...rows].join('\n')
}
