/** Calls of `deliver` in text for people, and whether the program would understand them. */
import { Command, CommanderError } from 'commander'
import { describeProgram } from '../../src/cli.js'
import { blocks, spans, type Page } from './pages.js'

export interface Call {
  readonly at: string
  readonly words: readonly string[]
}

/** In these blocks every line may be a command; elsewhere only those behind a prompt. */
const shells: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'fish',
  'groovy',
  'yaml',
  'json',
  'hcl',
  'ini',
  'xml',
])

export function callsOf(page: Page): readonly Call[] {
  return [
    ...blocks(page).flatMap(({ at, language, text }) =>
      callsIn(shells.has(language) ? text : text.replaceAll(/^(?!\$ ).*$/gm, '')).map((words) => ({
        at,
        words,
      })),
    ),
    ...spans(page).flatMap(({ at, text }) =>
      /^(\$ |npx )?deliver /.test(text) ? callsIn(text).map((words) => ({ at, words })) : [],
    ),
  ]
}

/** Where a shell looks for a program: at the start, after what joins commands, inside quotes of `sh -c` and Jenkins' `sh`. */
const start = /(?<=^|[\n"'(`;&|!] *|npx |\$ |- |: |sudo |exec |time )deliver (?=[\w<[….-])/g

export function callsIn(text: string): readonly (readonly string[])[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ')
  return [...joined.matchAll(start)].map(({ index }) => wordsOf(joined.slice(index + 'deliver '.length)))
}

/** The words up to what ends the command. `...`, `…` and `[options]` stand for anything and are left out. */
function wordsOf(rest: string): readonly string[] {
  const words: string[] = []
  for (const [, ends, double, single, bare] of rest.matchAll(
    /(\n|[;|&)`>]|#.*|["'](?=[)\]},\s]*$)|\\"|$)|"((?:\\.|[^"])*)"|'([^'\n]*)'|((?:\$\([^)]*\)|\$\{[^}]*\}|<[\w-]+>|[^\s;|&)`>"'#\\])+)/gm,
  )) {
    if (ends !== undefined) break
    words.push(double ?? single ?? bare ?? '')
  }
  return words
    .filter((word) => !/^(\.\.\.|…|\[options\])$/.test(word))
    .map((word) => word.replaceAll(/^\[|\]$/g, ''))
}

/** What is wrong with these arguments, or undefined. An argument that is lacking is none: texts name commands without. */
export function problemWith(words: readonly string[]): string | undefined {
  const silent = { writeOut: () => undefined, writeErr: () => undefined }
  const program = describeProgram(new Command().configureOutput(silent))
  const [first = ''] = words
  if (/^(COMMAND|VERB)$/.test(first)) return problemWith(['status', ...words.slice(1)])
  try {
    program.parse([...words], { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const fine = ['commander.missingArgument', 'commander.optionMissingArgument', 'commander.help']
    // `<shell>` stands for one of the choices.
    if (words.some((word) => /^<[\w-]+>$/.test(word))) fine.push('commander.invalidArgument')
    return error.exitCode === 0 || fine.includes(error.code) ? undefined : error.message
  }
}

/** Whether some command, or the program itself, has the option that a text names by itself: `--lock-wait 15m`. */
export function hasOption(name: string): boolean {
  const program = describeProgram(new Command())
  return [program, ...program.commands].some(({ options }) =>
    options.some(({ long, short }) => long === name || short === name),
  )
}
