import { fitsDoubleQuotes, fitsSingleQuotes } from '../config/names.js'
import { DeliverError } from '../errors.js'

/**
 * The lines of an env file. A value is written so that systemd (EnvironmentFile), dotenv, `node --env-file` and a POSIX shell all
 * read the same from it; one that can't be is an error. `where`: the key of the config.
 */
export function envFile(values: Readonly<Record<string, string>>, where: string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quoted(value, `${where}.${name}`)}\n`)
    .join('')
}

function quoted(value: string, where: string): string {
  if (/^[A-Za-z0-9_./:@%+,-]*$/.test(value)) return value
  if (fitsSingleQuotes(value)) return `'${value}'`
  if (fitsDoubleQuotes(value)) return `"${value}"`
  throw new DeliverError(
    'usage',
    `${where}: the value can't be written so that every reader of env files reads the same`,
    {
      fix: `It holds a ' beside one of ", \\, $, \` or a line break, or a carriage return. Write the file's content yourself: { content }.`,
    },
  )
}
