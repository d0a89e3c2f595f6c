import type { Argument, Command, Option } from 'commander'

/** docs/cli.md, from the program. scripts/docs.js brings it into prettier's layout. */
export function cliDocs(program: Command): string {
  const visible = program.createHelp().visibleCommands(program)
  const commands = visible.filter((each) => program.commands.includes(each))
  return `${[intro, optionTable(program), notes(program), ...commands.map(section), environment].join('\n\n')}\n`
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
  let help = ''
  const before = command.configureOutput()
  command.configureOutput({ ...before, writeOut: (text) => (help += text) })
  command.outputHelp()
  const text = help.slice(help.indexOf(command.helpInformation()) + command.helpInformation().length).trim()
  command.configureOutput(before)
  return text === '' ? '' : `\`\`\`\n${text}\n\`\`\``
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${inMarkdown(text.slice(1))}.`
}

function inMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_<|[]/g, '\\$&')
}

const environment = `## Variables

| variable | |
| --- | --- |
| \`TAG\` | the release, where none is given |
| \`DELIVER_CONFIG\`, \`DELIVER_ENV\` | as \`--config\` and \`--env\` |
| \`DELIVER_ROLLOUT_BATCH\` and so on | a key of the config: its [entry](configuration.md) names its variable |
| \`JOB_NAME\`, \`BUILD_NUMBER\`, \`BUILD_URL\`, \`BUILD_USER_ID\` | Jenkins: who holds the lock, in messages and in the history. \`GITHUB_ACTIONS\` and \`GITLAB_CI\` with theirs likewise |
| \`CI\`, \`TERM\`, \`NO_COLOR\`, \`FORCE_COLOR\` | how output looks: [what you see](output.md) |
| \`SSH_AUTH_SOCK\` | the ssh agent |
| \`AWS_PROFILE\`, \`AWS_REGION\` and so on | as for every program that uses AWS: [S3](s3.md#credentials) |`
