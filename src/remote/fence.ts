import type { HostFacts } from './facts.js'
import { quote } from './quote.js'

/**
 * Why a host would refuse a deploy of this number; undefined when it wouldn't. Who deploys holds the store's lock, so whoever deployed there had
 * another one; unless this deploy was taken for dead, and another began since.
 */
export function fencedOut(
  { fence, path }: Pick<HostFacts, 'fence' | 'path'>,
  own: number,
): { readonly because: string; readonly fix: string } | undefined {
  if (fence <= own) return undefined
  return {
    because: `fenced out: this host has seen deploy ${fence}, this is ${own}`,
    fix:
      'If no other deploy is under way, it was deployed to from another store, or by another app with this target.path. ' +
      `If this store takes its place, on the host: rm ${quote(`${path}/.deliver/fence`)}`,
  }
}
