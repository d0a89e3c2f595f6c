import pLimit from 'p-limit'

/** Runs `work` for every item, at most `limit` at once, and gives the results in the order of the items. */
export async function inParallel<T, R>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const slots = pLimit(limit)
  return Promise.all(items.map((item) => slots(() => work(item))))
}

/** Runs what it is given, at most `limit` at once; the rest waits for its turn. */
export type Slots = <R>(work: () => Promise<R>) => Promise<R>

export function slots(limit: number): Slots {
  const limited = pLimit(limit)
  return (work) => limited(work)
}
