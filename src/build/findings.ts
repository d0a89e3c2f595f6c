import { posix } from 'node:path'
import { DeliverError } from '../errors.js'

/** Something in the dependencies that git or a host can't hold as it is. Only errors stop a build. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly path: Buffer
  readonly because: string
}

/** A path for people: bytes that are not printable UTF-8 are escaped. */
export function showPath(path: Buffer): string {
  const text = path.toString('utf8')
  if (Buffer.from(text).equals(path) && !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text)) return text
  return JSON.stringify(path.toString('latin1')).replace(/[\u007f-\u00ff]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16)}`
  })
}

/** Why a name can't be in a release, if so. */
export function problemOfName(name: Buffer): string | undefined {
  if (name.length > 255) return 'its name is longer than 255 bytes, which no host can hold'
  if (name.toString('latin1').toLowerCase() === '.git') {
    return 'a repository of its own: git never adds a .git to a tree. Remove it, or depend on a packed version'
  }
  return undefined
}

/** What is wrong with a symlink of the release, if anything. `root` is the release's root on this machine. */
export function checkLink(path: Buffer, target: Buffer, root: string): Finding | undefined {
  // Only ASCII characters are looked at, so one byte per character keeps any name whole.
  const to = target.toString('latin1')
  const base = Buffer.from(root).toString('latin1')
  if (to.startsWith('/')) {
    const inside = to === base || to.startsWith(base === '/' ? base : `${base}/`)
    return inside
      ? {
          severity: 'error',
          path,
          because: `links to ${showPath(target)}, which is in this checkout and on no host. Make the link relative`,
        }
      : { severity: 'warning', path, because: `links to ${showPath(target)}, which each host must have` }
  }
  const resolved = posix.normalize(posix.join(posix.dirname(path.toString('latin1')), to))
  if (resolved !== '..' && !resolved.startsWith('../')) return undefined
  return { severity: 'error', path, because: `links to ${showPath(target)}, outside of the release` }
}

const shown = 20

/** All errors in one message, and undefined when there are none. */
export function errorOf(findings: readonly Finding[]): DeliverError | undefined {
  const errors = findings.filter((finding) => finding.severity === 'error')
  if (errors.length === 0) return undefined
  const lines = errors.slice(0, shown).map((finding) => `${showPath(finding.path)}: ${finding.because}`)
  if (errors.length > shown) lines.push(`and ${errors.length - shown} more`)
  const head =
    errors.length === 1 ? 'the dependencies have' : `the dependencies have ${errors.length} problems:`
  const message = errors.length === 1 ? (lines[0] ?? head) : [head, ...lines].join('\n  ')
  return new DeliverError('precondition', message, {
    fix: 'Run `deliver setup` again, or correct build.deps.',
  })
}
