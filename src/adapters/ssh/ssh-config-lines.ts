/** One directive of an ssh config: `HostName = "web1.example.com"` is `hostname` with one argument. */
export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string
  readonly args: readonly string[]
  /** For people: `~/.ssh/config:12`. */
  readonly at: string
}

export interface ConfigLines {
  readonly lines: readonly ConfigLine[]
  /** Lines that can't be read, each with its place. They have no effect, but to end the block before. */
  readonly problems: readonly string[]
}

/** Splits the text of an ssh config into directives. Never throws. */
export function readConfigLines(text: string, file: string): ConfigLines {
  const lines: ConfigLine[] = []
  const problems: string[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const at = `${file}:${index + 1}`
    const [, keyword = '', rest = ''] = /^([^\s=]+)(?:\s*=\s*|\s+|$)(.*)$/s.exec(line) ?? []
    const args = keyword === '' ? undefined : splitArguments(rest)
    if (args === undefined) problems.push(`${at}: a quote is not closed, or the keyword is missing`)
    else if (args.length === 0) problems.push(`${at}: ${keyword} has no value`)
    // The start of a block that can't be read is the start of a block for nobody, not more of the one before.
    const opensBlock = /^(?:host|match)$/i.test(keyword)
    if (opensBlock || (args !== undefined && args.length > 0)) {
      lines.push({ keyword: keyword.toLowerCase(), args: args ?? [], at })
    }
  }
  return { lines, problems }
}

/** Words as OpenSSH's argv_split reads them; undefined when a quote is left open. A `#` that starts a word ends the line. */
export function splitArguments(text: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index)
    const next = text.charAt(index + 1)
    if (
      char === '\\' &&
      (next === '"' || next === "'" || next === '\\' || (next === ' ' && quote === undefined))
    ) {
      word = (word ?? '') + next
      index++
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === '#' && word === undefined) {
      return words
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote !== undefined) return undefined
  return word === undefined ? words : [...words, word]
}
