import { randomBytes } from 'node:crypto'
import { openGit } from './git.js'
import { openRepository } from './git-open.js'

/** What there is to know of a clone before something is built in it. */
export interface GitLook {
  readonly version: string
  readonly branch?: string
  readonly commit: string
  /** Changed files that git tracks, outside of the dependencies. */
  readonly changed: number
  /** What git said when no ref could be made. */
  readonly noTags?: string
}

/**
 * Looks at the clone that holds a directory. Rejects with a DeliverError when there is none that a build can use. A ref of
 * our own is made and removed again, which needs what a tag needs, and is seen by nobody.
 */
export async function lookAtGit(directory: string, deps: readonly string[]): Promise<GitLook> {
  const git = await openGit(directory)
  const { query } = await openRepository(directory)
  const head = await git.head()
  const branch = await git.branch()
  const { tracked } = await git.changes(deps)
  const { text } = await query('version')
  const ref = `refs/deliver/trials/${randomBytes(8).toString('hex')}`
  const made = await query('update-ref', '--no-deref', ref, head.id, '')
  if (made.code === 0) await query('update-ref', '-d', ref)
  return {
    version: text.trim().replace(/^git version /, ''),
    ...(branch === undefined ? {} : { branch }),
    commit: head.id,
    changed: tracked.length,
    ...(made.code === 0 ? {} : { noTags: made.said.split('\n').at(-1) ?? '' }),
  }
}
