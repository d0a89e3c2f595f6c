import type { CommitsBetween } from '../ports.js'
import type { GitQuery } from './git-open.js'

/** What `to` has and `from` has not. Both are full object ids; undefined when this clone lacks either. */
export async function commitsBetween(
  query: GitQuery,
  { from, to, limit }: { readonly from: string; readonly to: string; readonly limit: number },
): Promise<CommitsBetween | undefined> {
  for (const id of [from, to])
    if ((await query('cat-file', '-e', `${id}^{commit}`)).code !== 0) return undefined
  const range = [`^${from}`, to, '--']
  const counted = await query('rev-list', '--count', ...range)
  const count = Number(counted.text.trim())
  // A shallow clone, or one with holes, may have both ends and not what lies between.
  if (counted.code !== 0 || !Number.isSafeInteger(count)) return undefined
  const format = ['%H', '%an', '%ct', '%s'].join('%x00')
  const told = await query(
    'log',
    `--max-count=${limit}`,
    '--no-show-signature',
    '--encoding=UTF-8',
    `--format=${format}`,
    ...range,
  )
  if (told.code !== 0) return undefined
  const commits = told.text.split('\n').flatMap((line) => {
    const [id = '', author = '', time = '', ...subject] = line.split('\0')
    return id === '' ? [] : [{ id, author, time: Number(time), subject: subject.join('') }]
  })
  return { count, commits }
}
