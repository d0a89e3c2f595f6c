/** A directive of an ssh config: a keyword and its arguments. */
export type Setting = readonly [keyword: string, ...args: readonly string[]]

export interface ConfigParts {
  /** Win over the user's config. */
  readonly first: readonly Setting[]
  /** Files of the user and the system, as they are. */
  readonly includes: readonly string[]
  /** Apply where the user's config says nothing. */
  readonly last: readonly Setting[]
}

/** What nobody may change: a connection for a program, that asks nobody, forwards nothing and is nobody else's. */
export const fixed: readonly Setting[] = [
  ['BatchMode', 'yes'],
  ['NumberOfPasswordPrompts', '0'],
  // A key that is new is learned by us, after it was judged; ssh would go on even where it could not store it.
  ['StrictHostKeyChecking', 'yes'],
  ['UpdateHostKeys', 'no'],
  ['CheckHostIP', 'no'],
  ['VisualHostKey', 'no'],
  ['ForwardAgent', 'no'],
  ['ForwardX11', 'no'],
  ['Tunnel', 'no'],
  ['ClearAllForwardings', 'yes'],
  ['PermitLocalCommand', 'no'],
  ['RemoteCommand', 'none'],
  ['RequestTTY', 'no'],
  ['EscapeChar', 'none'],
  ['LogLevel', 'INFO'],
  // The master gets its socket on the command line; bastions on the way are nobody's masters.
  ['ControlMaster', 'no'],
  ['ControlPath', 'none'],
  ['ControlPersist', 'no'],
]

/**
 * The text of a config file for `ssh -F`. Of each setting the first that applies wins. `noter`: a program that is told each key
 * that ssh is shown, unless the user's config has one of its own.
 */
export function configText(parts: ConfigParts, noter: string): string {
  const noteKeys: Setting = ['KnownHostsCommand', '/bin/sh', plainPath(noter), '%I', '%H', '%t', '%K']
  return text({ ...parts, first: [...parts.first, ...fixed], last: [...parts.last, noteKeys] })
}

/** The same without what is fixed, so that `ssh -G` tells what the user's config says about that. */
export function questionText(parts: ConfigParts): string {
  return text(parts)
}

function text({ first, includes, last }: ConfigParts): string {
  const lines = [
    ...first.map(line),
    ...includes.map((file) => line(['Include', escapeGlob(file)])),
    // An included file can't leave a block open, but a reader may wonder.
    'Match all',
    ...last.map(line),
  ]
  return `${lines.join('\n')}\n`
}

function line([keyword, ...args]: Setting): string {
  return `${keyword} ${args.map(quoted).join(' ')}`
}

/** As OpenSSH reads words: in double quotes, with backslash before a quote or a backslash. */
function quoted(text: string): string {
  if (/[\n\r\0]/.test(text)) throw new Error('a value of the ssh config has more than one line')
  return /^[A-Za-z0-9_./,:@=+-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/** `Include` takes patterns. */
function escapeGlob(file: string): string {
  return file.replaceAll(/[*?[\]\\]/g, '\\$&')
}

/** A path as a value in which ssh expands `%` tokens and `${VARIABLES}`: it has none. */
export function plainPath(path: string): string {
  return path.replaceAll('%', '%%')
}
