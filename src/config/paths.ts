import { oneLine } from './names.js'
import type { Rule } from './names.js'
import { shown } from './values.js'

/** Rules for paths on hosts and inside a release. They are POSIX paths wherever deliver itself runs. */

/** Without trailing slashes: `log/` and `log` are one path. */
export function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

const segmentsOf = (path: string) => trimmed(path).split('/')

function plainSegments(text: string, segments: readonly string[]): string | undefined {
  const odd = segments.find((segment) => segment === '' || segment === '.' || segment === '..')
  if (odd !== undefined)
    return `${shown(text)} contains "${odd}" as a part. Write the path without empty, "." and ".." parts`
  if (segments[0]?.startsWith('-') === true)
    return `${shown(text)} starts with "-". Programs would read it as an option`
  return undefined
}

/** Relative to some directory and inside it. */
export const relativePath: Rule = (text) => {
  if (text.startsWith('/')) return `${shown(text)} is absolute. Write a path relative to the app, e.g. log`
  return oneLine(text) ?? plainSegments(text, segmentsOf(text))
}

/** Absolute, or relative to the login directory of the ssh user. */
export const hostPath: Rule = (text) => {
  const problem = oneLine(text)
  if (problem !== undefined) return problem
  if (text.startsWith('~'))
    return `${shown(text)} starts with "~". A relative path starts in the login directory: write app`
  if (/^\/+$/.test(text))
    return `${shown(text)} is the whole host. Write a directory of the app's own, e.g. /srv/api`
  return plainSegments(text, text.startsWith('/') ? segmentsOf(text).slice(1) : segmentsOf(text))
}

/** For each path that repeats another, or lies inside one, its index and why that can't be. */
export function overlaps(
  paths: readonly string[],
): readonly { readonly index: number; readonly problem: string }[] {
  return paths.flatMap((path, index) => {
    const other = paths.find((candidate, at) =>
      at === index
        ? false
        : trimmed(candidate) === trimmed(path)
          ? at < index
          : trimmed(path).startsWith(`${trimmed(candidate)}/`),
    )
    if (other === undefined) return []
    const what =
      trimmed(other) === trimmed(path)
        ? 'is listed twice'
        : `lies inside ${shown(other)}, which is listed too`
    return [{ index, problem: `${shown(path)} ${what}. Remove it` }]
  })
}
