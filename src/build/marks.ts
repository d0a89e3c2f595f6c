import { DeliverError } from '../errors.js'
import type { Commit } from '../ports.js'
import { checkReleaseName } from '../release/name.js'
import type { ReleaseRecord } from '../release/release.js'

/** What a release says of how it wants to be deployed. */
export type Marks = Pick<ReleaseRecord, 'confirm' | 'oldestRollback'>

const longestReason = 500

/** From the trailers of the commit that was built: the last paragraph of its message, names in any case. */
export function marksOfCommit(commit: Commit): Marks {
  const paragraphs = commit.message.trimEnd().split(/\n[ \t]*\n/)
  const trailers = new Map<string, string>()
  // The subject is no paragraph of trailers, whatever it looks like.
  for (const line of paragraphs.length < 2 ? [] : (paragraphs.at(-1) ?? '').split('\n')) {
    const [, name, value] = /^([A-Za-z-]+):[ \t]*(.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) trailers.set(name.toLowerCase(), value.trim())
  }
  const where = `commit ${commit.id.slice(0, 12)}: trailer`
  return marksFrom(
    { confirm: trailers.get('deliver-confirm'), oldestRollback: trailers.get('deliver-oldest-rollback') },
    { confirm: `${where} Deliver-Confirm`, oldestRollback: `${where} Deliver-Oldest-Rollback` },
  )
}

/** Text of somebody, checked. `names` are for errors. */
export function marksFrom(
  given: { readonly confirm: string | undefined; readonly oldestRollback: string | undefined },
  names: { readonly confirm: string; readonly oldestRollback: string },
): Marks {
  const { confirm, oldestRollback } = given
  return {
    ...(confirm === undefined ? {} : { confirm: reason(names.confirm, confirm) }),
    ...(oldestRollback === undefined
      ? {}
      : { oldestRollback: release(names.oldestRollback, oldestRollback) }),
  }
}

function reason(where: string, text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ').trim()
  if (line !== '') return line.slice(0, longestReason)
  throw new DeliverError('usage', `${where}: no reason given`, {
    fix: 'Say in a few words what the person who deploys must know.',
  })
}

function release(where: string, name: string): string {
  try {
    checkReleaseName(name)
    return name
  } catch (cause) {
    throw new DeliverError('usage', `${where}: ${JSON.stringify(name)} is no name of a release`, {
      fix: 'Write the name of a published release; deliver releases lists them.',
      cause,
    })
  }
}

/** The version in a package.json; undefined when it has none that can be compared. */
export function versionOfPackage(bytes: Buffer): string | undefined {
  try {
    const data: unknown = JSON.parse(bytes.toString())
    const version = typeof data === 'object' && data !== null && 'version' in data ? data.version : undefined
    return typeof version === 'string' && /^\d{1,9}\.\d[0-9A-Za-z.+-]{0,60}$/.test(version)
      ? version
      : undefined
  } catch {
    return undefined
  }
}
