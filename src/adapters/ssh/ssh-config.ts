import { openSshOnly } from './openssh-only.js'
import { matchesPatternList } from './patterns.js'
import { meetsCriteria } from './ssh-config-match.js'
import { readConfigLines } from './ssh-config-lines.js'
import type { ConfigLine } from './ssh-config-lines.js'

/** The directives that deliver honours, or hands on to OpenSSH. All others are ignored, as ssh ignores what doesn't concern it. */
const honoured = new Set([
  'hostname',
  'port',
  'user',
  'identityfile',
  'identitiesonly',
  'identityagent',
  'proxyjump',
  'proxycommand',
  'userknownhostsfile',
  'globalknownhostsfile',
  'stricthostkeychecking',
  'hostkeyalias',
  'connecttimeout',
  'serveraliveinterval',
  'serveralivecountmax',
  ...openSshOnly,
])

/** Deep enough for anything sane, as in OpenSSH; also what ends a file that includes itself. */
const maxIncludeDepth = 16
/** Files that a few that include each other may add up to. */
const maxIncludes = 1000

export interface ConfigText {
  /** For people and for messages: the path as read. */
  readonly file: string
  readonly text: string
}

export interface ConfigQuestion {
  /** The name that the user wrote: an alias, a DNS name or an address. */
  readonly host: string
  /** The user that the config can't change any more, because something of higher rank says so. */
  readonly user?: string
  readonly localUser: string
  readonly configs: readonly ConfigText[]
  /** The files that an `Include` below one of `configs` names, after globbing, in order. None is fine. */
  readonly include: (pattern: string, main: string) => readonly ConfigText[]
}

export interface ConfigAnswer {
  /** Per keyword (lower case) the arguments of the first line that applies. */
  readonly values: ReadonlyMap<string, ConfigLine>
  /** All that apply, in order: ssh tries each. */
  readonly identityFiles: readonly ConfigLine[]
  readonly warnings: readonly string[]
  /** `Match` lines of which nothing but a criterion that can't be decided here keeps their block from applying. */
  readonly undecided: readonly ConfigLine[]
}

/** What the ssh config says about one host. Pure: files come in as text. Never throws. */
export function askConfig(question: ConfigQuestion): ConfigAnswer {
  const reading = new Reading(question)
  reading.pass(question.host, false)
  // `Match final` asks for a second reading, against the name that the first one ended with.
  if (reading.wantsFinalPass) reading.pass(reading.currentHost(), true)
  const { values, identityFiles, warnings, undecided } = reading
  return { values, identityFiles, warnings: [...warnings], undecided }
}

interface Scope {
  /** The file that was not included by another. */
  readonly main: string
  readonly host: string
  readonly final: boolean
  readonly outer: boolean
  readonly depth: number
}

class Reading {
  readonly values = new Map<string, ConfigLine>()
  readonly identityFiles: ConfigLine[] = []
  readonly warnings = new Set<string>()
  readonly undecided: ConfigLine[] = []
  wantsFinalPass = false
  #includes = 0
  readonly #question: ConfigQuestion

  constructor(question: ConfigQuestion) {
    this.#question = question
  }

  /** The HostName so far. `%h` stands for the name that was asked for. */
  currentHost(): string {
    const name = this.values.get('hostname')?.args[0]
    const expanded = name?.replaceAll(/%[h%]/g, (token) => (token === '%h' ? this.#question.host : '%'))
    return expanded ?? this.#question.host
  }

  pass(host: string, final: boolean): void {
    for (const config of this.#question.configs)
      this.#file(config, { main: config.file, host, final, outer: true, depth: 0 })
  }

  #file(config: ConfigText, scope: Scope): void {
    const { lines, problems } = readConfigLines(config.text, config.file)
    for (const problem of problems) this.warnings.add(problem)
    let active = scope.outer
    for (const line of lines) {
      // Blocks of an included file are bounded by the block that includes it.
      if (line.keyword === 'host') active = scope.outer && matchesPatternList(line.args, scope.host)
      else if (line.keyword === 'match') active = this.#match(line, scope) && scope.outer
      else if (line.keyword === 'include') this.#include(line, { ...scope, outer: active })
      else if (active) this.#take(line)
    }
  }

  #include(line: ConfigLine, scope: Scope): void {
    if (scope.depth >= maxIncludeDepth) {
      this.warnings.add(`${line.at}: Include is nested more than ${maxIncludeDepth} deep and was ignored`)
      return
    }
    for (const config of line.args.flatMap((pattern) => this.#question.include(pattern, scope.main))) {
      if (++this.#includes <= maxIncludes) this.#file(config, { ...scope, depth: scope.depth + 1 })
      else this.warnings.add(`${line.at}: more than ${maxIncludes} files are included; the rest was ignored`)
    }
  }

  #match(line: ConfigLine, scope: { host: string; final: boolean }): boolean {
    const { met, undecided, warnings, final } = meetsCriteria(line, {
      host: scope.final ? scope.host : this.currentHost(),
      originalHost: this.#question.host,
      user: this.#question.user ?? this.values.get('user')?.args[0] ?? this.#question.localUser,
      localUser: this.#question.localUser,
      final: scope.final,
    })
    for (const warning of warnings) this.warnings.add(warning)
    if (undecided) this.undecided.push(line)
    if (final) this.wantsFinalPass = true
    return met
  }

  #take(line: ConfigLine): void {
    if (!honoured.has(line.keyword)) return
    if (line.keyword === 'identityfile') {
      if (!this.identityFiles.some(({ args }) => args[0] === line.args[0])) this.identityFiles.push(line)
      return
    }
    // Of ProxyJump and ProxyCommand the first one written wins over both.
    const rival = { proxyjump: 'proxycommand', proxycommand: 'proxyjump' }[line.keyword]
    if (rival !== undefined && this.values.has(rival)) return
    if (!this.values.has(line.keyword)) this.values.set(line.keyword, line)
  }
}
