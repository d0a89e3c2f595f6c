import type { Argument, Command, Option } from 'commander'

/** What somebody who pressed TAB may write next: from the program alone, or by asking the config, the store and the fleet. */
export type Completion =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  /** Names that the program doesn't know. */
  | {
      readonly kind: 'names'
      readonly of: NameKind
      readonly typed: string
      /** What stands before each name in the same word: `--hosts=`. */
      readonly prefix: string
      readonly context: Context
    }
  /** Whatever the shell offers for files. */
  | { readonly kind: 'files' }

export type NameKind = 'environments' | 'releases' | 'hosts'

export interface Candidate {
  readonly word: string
  readonly about: string
}

/** Which config and environment the line is about so far. */
export interface Context {
  readonly config?: string
  readonly environment?: string
}

/** What options take, by their long names; what is missing here takes anything. */
const takes: Readonly<Record<string, NameKind | 'files' | readonly string[]>> = {
  '--env': 'environments',
  '--hosts': 'hosts',
  '--host': 'hosts',
  '--tag': 'releases',
  '--release': 'releases',
  '--oldest-rollback': 'releases',
  '--config': 'files',
  '--junit': 'files',
  '--report': 'files',
  '--out': 'files',
  '--plan': 'files',
  '--strategy': ['parallel', 'rolling'],
  '--on-failure': ['rollback', 'rollback-host', 'stop'],
  '--policy': ['ci', 'instance'],
  '--format': ['sh', 'cloud-init', 'program'],
  '--units': ['systemd', 'upstart'],
}
/** The same for arguments, by command and position. */
const argumentsTake: Readonly<Record<string, readonly (NameKind | undefined)[]>> = {
  deploy: ['releases'],
  rollback: ['releases'],
  ssh: ['hosts'],
}
/** Of these commands the option means something else. */
const exceptions: ReadonlySet<string> = new Set(['init --hosts', 'sandbox --hosts'])

const nothing: Completion = { kind: 'words', words: [] }

/** `words`: what stands behind the program's name, up to the cursor; the last is being written, and may be empty. */
export function complete(program: Command, words: readonly string[]): Completion {
  const line = read(program, joined(words.slice(0, -1)))
  const typed = words.at(-1) ?? ''
  if (line.rest) return { kind: 'files' }
  // bash splits `--strategy=rolling` at the "=".
  if (words.at(-2) === '=' || typed === '=') {
    const option = optionNamed(line, words.at(typed === '=' ? -2 : -3) ?? '')
    return option === undefined ? nothing : ofOption(line, option, typed === '=' ? '' : typed)
  }
  if (line.open !== undefined) return ofOption(line, line.open, typed)
  const equals = /^(--[\w-]+)=(.*)$/s.exec(typed)
  if (equals !== null) {
    const [, name = '', value = ''] = equals
    const option = optionNamed(line, name)
    return option === undefined ? nothing : behind(`${name}=`, ofOption(line, option, value))
  }
  if (typed.startsWith('-')) return { kind: 'words', words: matching(options(line), typed) }
  if (line.command === undefined) return { kind: 'words', words: matching(commands(program), typed) }
  return ofArgument(line, line.command, typed)
}

interface Line {
  readonly program: Command
  readonly command: Command | undefined
  /** Arguments of the command so far. */
  readonly count: number
  /** The option whose value comes next. */
  readonly open: Option | undefined
  /** What comes is behind `--`. */
  readonly rest: boolean
  readonly context: Context
}

function read(program: Command, words: readonly string[]): Line {
  let line: Line = { program, command: undefined, count: 0, open: undefined, rest: false, context: {} }
  for (const word of words) {
    if (line.rest) continue
    if (line.open !== undefined) line = { ...line, open: undefined, context: known(line, line.open, word) }
    else if (word === '--') line = { ...line, rest: true }
    else if (word.startsWith('-')) line = afterOption(line, word)
    else if (line.command === undefined) line = { ...line, command: commandNamed(program, word) }
    else line = { ...line, count: line.count + 1 }
  }
  return line
}

function afterOption(line: Line, word: string): Line {
  const [name = '', value] = word.split(/=(.*)/s)
  const option = optionNamed(line, name)
  if (option === undefined || !(option.required || option.optional)) return line
  return value === undefined ? { ...line, open: option } : { ...line, context: known(line, option, value) }
}

function known({ context }: Line, option: Option, value: string): Context {
  if (option.long === '--config') return { ...context, config: value }
  return option.long === '--env' ? { ...context, environment: value } : context
}

/** As the program itself would see them: `--env`, `=`, `staging` is one word. */
function joined(words: readonly string[]): readonly string[] {
  const whole: string[] = []
  for (const [index, word] of words.entries()) {
    const last = whole.at(-1)
    if (word === '=' && last?.startsWith('--') === true) whole[whole.length - 1] = `${last}=`
    else if (words[index - 1] === '=' && last?.endsWith('=') === true) whole[whole.length - 1] = last + word
    else whole.push(word)
  }
  return whole
}

function commandNamed(program: Command, word: string): Command | undefined {
  return program.commands.find((each) => each.name() === word || each.aliases().includes(word))
}

function optionNamed({ program, command }: Line, name: string): Option | undefined {
  return [...(command?.options ?? []), ...program.options].find(
    ({ long, short }) => long === name || short === name,
  )
}

function ofOption({ command, context }: Line, option: Option, typed: string): Completion {
  const name = option.long ?? ''
  const kind = exceptions.has(`${command?.name() ?? ''} ${name}`) ? undefined : takes[name]
  if (kind === undefined) return nothing
  if (kind === 'files') return { kind }
  if (typeof kind === 'string') return { kind: 'names', of: kind, typed, prefix: '', context }
  return {
    kind: 'words',
    words: matching(
      kind.map((word) => ({ word, about: '' })),
      typed,
    ),
  }
}

function ofArgument({ count, context }: Line, command: Command, typed: string): Completion {
  const argument = command.registeredArguments[count] ?? variadic(command.registeredArguments)
  if (argument === undefined) return nothing
  const choices = argument.argChoices ?? []
  if (choices.length > 0)
    return {
      kind: 'words',
      words: matching(
        choices.map((word) => ({ word, about: '' })),
        typed,
      ),
    }
  const kind = argumentsTake[command.name()]?.[count]
  return kind === undefined ? nothing : { kind: 'names', of: kind, typed, prefix: '', context }
}

function variadic(given: readonly Argument[]): Argument | undefined {
  return given.findLast((each) => each.variadic)
}

function commands(program: Command): readonly Candidate[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((each) => ({ word: each.name(), about: each.description() }))
}

function options({ program, command }: Line): readonly Candidate[] {
  return [...(command?.options ?? []), ...program.options]
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long, description }) =>
      long === undefined ? [] : [{ word: long ?? '', about: description }],
    )
    .concat({ word: '--help', about: 'show help' })
}

function matching(all: readonly Candidate[], typed: string): readonly Candidate[] {
  return all.filter(({ word }) => word.startsWith(typed))
}

function behind(prefix: string, completion: Completion): Completion {
  if (completion.kind === 'names') return { ...completion, prefix }
  if (completion.kind === 'files') return completion
  return { kind: 'words', words: completion.words.map((each) => ({ ...each, word: prefix + each.word })) }
}

/** Every option that the tables above name, for the test that all of them exist. */
export const optionsWithValues: readonly string[] = Object.keys(takes)
