import { DeliverError } from '../../errors.js'

export interface Page<T> {
  readonly items: readonly T[]
  /** Undefined or empty on the last page. */
  readonly next: string | undefined
}

/**
 * All items of a listing. `what` names it in errors. A token that comes again would go round for ever; ending there as if that
 * was all would deploy to a part of the fleet and look like success.
 */
export async function allPages<T>(
  what: string,
  read: (token: string | undefined) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const items: T[] = []
  const seen = new Set<string>()
  for (let token: string | undefined; ;) {
    const page = await read(token)
    items.push(...page.items)
    token = page.next
    if (token === undefined || token === '') return items
    if (seen.has(token))
      throw new DeliverError('failed', `${what}: AWS gave the same page twice, so the list has no end`, {
        fix: 'Run the command again. If it stays, check the endpoint.',
      })
    seen.add(token)
  }
}

/** Lists of at most so many items, for requests that take no more. */
export function inChunks<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
  const chunks: (readonly T[])[] = []
  for (let start = 0; start < items.length; start += most) chunks.push(items.slice(start, start + most))
  return chunks
}
