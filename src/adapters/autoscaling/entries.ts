/**
 * What a drain changed, as it stands in the lock: one text each, words with blanks between them. A run that died leaves these
 * to the next one, perhaps of another version, so their form is kept.
 */
export type Entry =
  | { readonly kind: 'standby'; readonly group: string; readonly instance: string }
  /** A bound of a group that was moved out of the way: from what, to what. */
  | {
      readonly kind: 'min-size' | 'max-size'
      readonly group: string
      readonly from: number
      readonly to: number
    }
  | { readonly kind: 'target'; readonly registration: Registration }
  | { readonly kind: 'load-balancer'; readonly registration: Registration }

/** A server as one load balancer knows it. */
export interface Registration {
  /** ARN of a target group, or name of a classic load balancer. */
  readonly balancer: string
  readonly instance: string
  /** What is registered: the instance, or one of its addresses. */
  readonly target: string
  /** Of targets only. */
  readonly port?: number
  readonly zone?: string
}

export type SizeEntry = Extract<Entry, { from: number }>

/** People read them, in warnings and in `deliver check`: only what would not be read back is encoded. */
export function formatEntry(entry: Entry): string {
  return wordsOf(entry)
    .map((word) => word.replaceAll(/[^!-$&-~]/gu, encodeURIComponent))
    .join(' ')
}

function wordsOf(entry: Entry): readonly string[] {
  if ('instance' in entry) return [entry.kind, entry.group, entry.instance]
  if ('from' in entry) return [entry.kind, entry.group, String(entry.from), String(entry.to)]
  const { balancer, instance, target, port, zone } = entry.registration
  if (entry.kind === 'load-balancer') return [entry.kind, balancer, instance]
  return [entry.kind, balancer, instance, target, String(port ?? 0), ...(zone === undefined ? [] : [zone])]
}

/** Undefined for what is no entry of a drain. */
export function parseEntry(text: string): Entry | undefined {
  const [kind, first = '', second = '', third = '', fourth = '', fifth = ''] = decoded(text)
  if (first === '' || second === '') return undefined
  if (kind === 'standby') return { kind, group: first, instance: second }
  if (kind === 'load-balancer')
    return { kind, registration: { balancer: first, instance: second, target: second } }
  if (kind === 'min-size' || kind === 'max-size') {
    if (!isCount(second) || !isCount(third)) return undefined
    return { kind, group: first, from: Number(second), to: Number(third) }
  }
  if (kind !== 'target' || third === '' || !isCount(fourth)) return undefined
  const registration: Registration = {
    balancer: first,
    instance: second,
    target: third,
    ...(fourth === '0' ? {} : { port: Number(fourth) }),
    ...(fifth === '' ? {} : { zone: fifth }),
  }
  return { kind, registration }
}

function isCount(text: string): boolean {
  return /^\d{1,9}$/.test(text)
}

function decoded(text: string): readonly string[] {
  try {
    return text.split(' ').map(decodeURIComponent)
  } catch {
    return []
  }
}
