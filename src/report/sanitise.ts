/**
 * Makes text of hosts, child processes and commits fit for a terminal or a CI log: one line, no escape sequences, nothing that
 * moves the cursor or reorders characters. Colour sequences vanish; whatever else is not printable becomes visible.
 */

/** A longer line is cut; the rest is counted. */
export const longestLine = 64 * 1024

// OSC, DCS, SOS, PM and APC strings up to their terminator; then CSI sequences; then two-character escapes. A sequence
// that is never ended takes the rest of the line, as it would in a terminal. Each pattern is linear in its input.
const escapes =
  // eslint-disable-next-line no-control-regex
  /(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g

// Controls but tab, lone surrogates, line and paragraph separators, and what changes the direction of text.
const unprintable = /[^\P{Cc}\t]|\p{Cs}|[\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

export function sanitiseLine(text: string, limit = longestLine): string {
  const kept = text.length > limit ? cutAt(text, limit) : text
  const line = kept
    .replace(/\r+$/, '')
    .replace(escapes, '')
    .replace(unprintable, visible)
    .replaceAll('\t', '    ')
  return kept === text ? line : `${line}… (${text.length - kept.length} more characters)`
}

/** Text of several lines, each sanitised. */
export function sanitiseLines(text: string): readonly string[] {
  return text
    .replace(/[\r\n]+$/, '')
    .split('\n')
    .map((line) => sanitiseLine(line))
}

function visible(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  const code = character.codePointAt(0) ?? 0
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}

/** Not in the middle of a surrogate pair. */
function cutAt(text: string, limit: number): string {
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)
}

/** Text of any origin as one line that is fit to be shown, without secrets. */
export function cleanText(redact: (text: string) => string): (text: string) => string {
  return (text) => sanitiseLines(redact(text)).join(' ')
}
