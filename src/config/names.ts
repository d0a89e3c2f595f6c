import { isIPv4, isIPv6 } from 'node:net'
import { shown } from './values.js'

/**
 * What may stand in a name or path. Each rule gives undefined, or what is wrong and what would be right. The patterns
 * are narrower than the systems behind them: these values end up in commands, file names and store keys.
 */
export type Rule = (text: string) => string | undefined

const control = /[\p{Cc}\p{Zl}\p{Zp}]/u

function pattern(what: string, form: RegExp, allowed: string): Rule {
  return (text) => (form.test(text) ? undefined : `${shown(text)} is no ${what}. ${allowed}`)
}

export const appName = pattern(
  'name of an app',
  /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  'Use letters, digits, ".", "_" and "-", at most 64, starting with a letter or digit',
)

export const environmentName = pattern(
  'name of an environment',
  /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  'Use letters, digits, ".", "_" and "-", at most 64, starting with a letter or digit',
)

export const userName = pattern(
  'user name',
  /^[a-z_][a-z0-9_-]{0,31}$/,
  'Use small letters, digits, "_" and "-", at most 32, starting with a letter or "_"',
)

export const unitName = pattern(
  'systemd unit',
  /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,254}$/,
  'Write it as systemctl does, e.g. api, api.service or worker@1.service',
)

export const jobName = pattern(
  'upstart job',
  /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/,
  'Write it as initctl does, e.g. api',
)

/** pm2 takes a number for a process id and `all` for every process of the host. */
export const pm2Name: Rule = (text) =>
  /^(?:\d+|all)$/.test(text)
    ? `${shown(text)} means something else to pm2. Give the process a name of its own`
    : pattern(
        'pm2 process name',
        /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,127}$/,
        'Use letters, digits and ".", "_", ":", "@", "-"',
      )(text)

export const variableName = pattern(
  'name of an environment variable',
  /^[A-Za-z_][A-Za-z0-9_]{0,254}$/,
  'Use letters, digits and "_", not starting with a digit',
)

export const headerName = pattern(
  'name of a header',
  /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/,
  'Write it like X-Health',
)

export const labelName = pattern(
  'label',
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/,
  'Use letters, digits, ".", "_", "/" and "-"',
)

/** A DNS name (underscores are common in ssh aliases), or an IPv4 or IPv6 address without brackets and zone. */
export const hostName: Rule = (text) => {
  // Most are names: the expression that Node tells IPv6 by takes milliseconds to compile.
  if (isIPv4(text) || (text.includes(':') && !text.includes('%') && isIPv6(text))) return undefined
  const label = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length <= 253 && !/^[\d.]+$/.test(name) && name.split('.').every((part) => label.test(part)))
    return undefined
  if (/^[^@]+@|:\d+$/.test(text)) {
    return `${shown(text)} is more than a host. Write { host: "web1", user: "deploy", port: 22 }`
  }
  return `${shown(text)} is no host. Write a DNS name, an IP address or an alias of your ssh config`
}

/** Text of one line at least; a NUL would cut it short where it is used. */
export const command: Rule = (text) => {
  if (text.trim() === '') return 'is empty. Write a shell command, or leave the key out'
  return text.includes('\0') ? 'contains a NUL character. Remove it' : undefined
}

/** A value that is kept on one line: a header, a local path. */
export const oneLine: Rule = (text) => {
  if (text.trim() === '') return 'is empty. Write a value, or leave the key out'
  return control.test(text) ? `${shown(text)} contains control characters. Remove them` : undefined
}

export const noNul: Rule = (text) => (text.includes('\0') ? 'contains a NUL character. Remove it' : undefined)

/** Everything in single quotes is taken literally by all readers of env files; in double quotes, what has none of these. */
export const fitsSingleQuotes = (text: string): boolean => !/['\r]/.test(text)
export const fitsDoubleQuotes = (text: string): boolean => !/["\\$`\n\r]/.test(text)

export const envValue: Rule = (text) => {
  const problem = noNul(text)
  if (problem !== undefined || fitsSingleQuotes(text) || fitsDoubleQuotes(text)) return problem
  return `holds a ' beside one of ", \\, $, \` or a line break, or a carriage return, which readers of env files read differently. Write the file's content yourself: { content }`
}
