/**
 * The only place where a value becomes shell text. Lines are made with the `sh` tag: what stands in the template is
 * shell, every `${value}` is one quoted word, so a value that was not quoted doesn't type-check into a line.
 */

/** Shell text whose values are quoted. Only `sh` makes one. */
export class ShellLine {
  private constructor(readonly text: string) {}

  static of(parts: readonly string[], values: readonly (ShellLine | string | number)[]): ShellLine {
    const shown = values.map((value) => (value instanceof ShellLine ? value.text : quote(String(value))))
    return new ShellLine(parts.map((part, index) => part + (shown[index] ?? '')).join(''))
  }
}

export function sh(
  parts: TemplateStringsArray,
  ...values: readonly (ShellLine | string | number)[]
): ShellLine {
  return ShellLine.of(parts, values)
}

/**
 * One word of a POSIX shell, on one line: the wire reads the command with `read`, so a newline inside a value is
 * written as `$n`, which `newline` sets. A NUL can't be in any argument and is refused.
 */
export function quote(value: string): string {
  if (value.includes('\0')) throw new RangeError('a value for a host contains a NUL byte')
  return `'${value.replaceAll("'", `'\\''`).replaceAll('\n', `'"$n"'`)}'`
}

/** Must stand before the first quoted value: command substitution strips newlines at the end, hence the `x`. */
export const newline: ShellLine = sh`n=$(printf '\\nx');n=\${n%x};`

/** An argument list as one line of shell text: what a host runs gets exactly these words. */
export function quoteWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[A-Za-z0-9_/.:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ')
}
