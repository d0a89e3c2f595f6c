import { DeliverError } from '../errors.js'
import { fixFor } from './git-command.js'
import type { GitQuery } from './git-open.js'

export async function readTags(query: GitQuery): Promise<{ name: string; commit: string; author: string }[]> {
  // `*objectname` is what an annotated tag leads to.
  const format = ['', '*'].map((of) => `%(${of}objectname)%00%(${of}objecttype)%00%(${of}authoremail)`)
  const answer = await query('for-each-ref', `--format=%(refname)%00${format.join('%00')}`, 'refs/tags')
  if (answer.code !== 0) throw unreadable('tags', answer.said)
  const tags = answer.text.split('\n').map((line) => {
    const [ref = '', ...objects] = line.split('\0')
    const [id = '', type, email = ''] = objects[1] === 'tag' ? objects.slice(3) : objects
    const author = email.replace(/^<|>$/g, '')
    return { name: ref.slice('refs/tags/'.length), commit: type === 'commit' ? id : '', author }
  })
  return tags.filter((tag) => tag.name !== '' && tag.commit !== '')
}

function unreadable(what: string, said: string): DeliverError {
  return new DeliverError('failed', `${what} can't be read: ${said}`, {
    fix: fixFor(said) ?? 'git fsck in the clone tells what is wrong with it; a fresh clone helps.',
  })
}

const cacheRefs = 'refs/deliver/deps/'

export function cacheRef(key: string): string {
  if (/^[0-9a-f]+$/.test(key)) return cacheRefs + key
  throw new DeliverError('failed', `${JSON.stringify(key)} is not a key of dependencies`)
}

/** By the refs alone: a commit that can't be read is for whoever wants it to tell. */
export async function readCaches(query: GitQuery): Promise<{ key: string; commit: string }[]> {
  const answer = await query('for-each-ref', '--format=%(refname) %(objectname)', cacheRefs)
  if (answer.code !== 0) throw unreadable('refs', answer.said)
  return answer.text.split('\n').flatMap((line) => {
    const [ref = '', commit = ''] = line.split(' ')
    const key = ref.slice(cacheRefs.length)
    return /^[0-9a-f]+$/.test(key) ? [{ key, commit }] : []
  })
}

/** `update-ref` compares and sets under the ref's lock; an expectation of zeros means that there must be none. */
export async function updateRef(
  query: GitQuery,
  args: string[],
  expected: string | undefined,
): Promise<boolean> {
  const old = expected === undefined ? '0'.repeat((args[1] ?? '').length) : objectId(expected)
  const answer = await query('update-ref', '--no-deref', ...args, old)
  if (answer.code === 0) return true
  const fix = fixFor(answer.said)
  // Git answers 128 or 1 for a lost race and for a disk that is full alike; reading back tells them apart.
  const ref = args.find((arg) => arg.startsWith('refs/')) ?? ''
  const now = await query('rev-parse', '--verify', '--quiet', '--end-of-options', ref)
  if (now.text.trim() !== (expected ?? '')) return false
  throw new DeliverError(
    'failed',
    `${ref} can't be changed: ${answer.said}`,
    fix === undefined ? {} : { fix },
  )
}

export function tagRef(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._/+-]*$/.test(name)) return `refs/tags/${name}`
  throw new DeliverError('usage', `${JSON.stringify(name)} is not a tag that deliver writes`, {
    fix: 'Begin with a letter or digit, and use letters, digits, ".", "_", "+" and "-".',
  })
}

export function isObjectId(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

export function objectId(text: string): string {
  if (isObjectId(text)) return text
  throw new DeliverError('failed', `${JSON.stringify(text)} is not a full object id`)
}
