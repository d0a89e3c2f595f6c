/** Which releases the store may forget. Nothing that any environment or host may still need goes, whatever its age. */

export interface StoredRelease {
  readonly release: string
  /** When its record was written, by the store's clock, in ms since 1970; undefined: it was never published whole. */
  readonly publishedAt: number | undefined
  /** When the last of its files was written. */
  readonly touchedAt: number
}

export interface EnvironmentUse {
  readonly environment: string
  /** The pointer's release. */
  readonly current: string | undefined
  /** The release that the environment was on before. */
  readonly previous: string | undefined
  /** By the history: the release that each host ran when a run last told of it. */
  readonly lastKnown: ReadonlyMap<string, string>
}

/** What a host of this environment told just now, or why it couldn't. */
export type HostUse =
  | {
      readonly host: string
      readonly kind: 'told'
      readonly needs: readonly { readonly release: string; readonly because: string }[]
    }
  | { readonly host: string; readonly kind: 'silent'; readonly because: string }

export interface StorePruneFacts {
  readonly releases: readonly StoredRelease[]
  /** The environment whose hosts were asked. */
  readonly environment: string
  readonly environments: readonly EnvironmentUse[]
  readonly hosts: readonly HostUse[]
  /** The newest published releases that stay. */
  readonly keep: number
  /** The store's clock, in ms since 1970. */
  readonly now: number
}

export interface Reasoned {
  readonly release: string
  readonly because: string
}

export interface StorePrunePlan {
  readonly remove: readonly Reasoned[]
  readonly keep: readonly Reasoned[]
}

/** Milliseconds: an upload that is not finished after a day never will be. */
export const unfinishedFor = 24 * 60 * 60_000

export function planStorePrune(facts: StorePruneFacts): StorePrunePlan {
  const needed = neededBy(facts)
  const blind = blindSpot(facts)
  const published = facts.releases
    .flatMap((each) => (each.publishedAt === undefined ? [] : [{ ...each, publishedAt: each.publishedAt }]))
    .sort(
      (a, b) => b.publishedAt - a.publishedAt || b.release.localeCompare(a.release, 'en', { numeric: true }),
    )
  const newest = new Set(published.slice(0, facts.keep).map(({ release }) => release))
  const remove: Reasoned[] = []
  const keep: Reasoned[] = []
  for (const { release } of published) {
    const because = needed.get(release) ?? (newest.has(release) ? `one of the ${facts.keep} newest` : blind)
    if (because === undefined)
      remove.push({ release, because: `older than the ${facts.keep} newest, and not in use` })
    else keep.push({ release, because })
  }
  for (const { release, publishedAt, touchedAt } of facts.releases) {
    if (publishedAt !== undefined) continue
    const because =
      needed.get(release) ??
      (facts.now - touchedAt < unfinishedFor ? 'it may be on its way into the store' : blind)
    if (because === undefined) remove.push({ release, because: 'its publishing never ended' })
    else keep.push({ release, because })
  }
  return { remove, keep }
}

/** Release -> the first reason that it stays. */
function neededBy({ environment, environments, hosts }: StorePruneFacts): ReadonlyMap<string, string> {
  const needed = new Map<string, string>()
  const need = (release: string | undefined, because: string): void => {
    if (release !== undefined && !needed.has(release)) needed.set(release, because)
  }
  for (const each of environments) need(each.current, `${each.environment} is on it`)
  for (const host of hosts)
    if (host.kind === 'told') for (const { release, because } of host.needs) need(release, because)
  for (const each of environments) need(each.previous, `${each.environment} was on it before`)
  const asked = new Map(hosts.map((host) => [host.host, host]))
  for (const each of environments) {
    for (const [host, release] of each.lastKnown) {
      const answer = each.environment === environment ? asked.get(host) : undefined
      if (each.environment !== environment)
        need(release, `${host} of ${each.environment} ran it when last heard of`)
      else if (answer?.kind === 'silent')
        need(release, `${host} can't be asked (${answer.because}), and ran it when last heard of`)
    }
  }
  return needed
}

/** A host that neither answers nor has a history may run anything. */
function blindSpot({ environment, environments, hosts }: StorePruneFacts): string | undefined {
  const history = environments.find((each) => each.environment === environment)?.lastKnown
  const silent = hosts.find((host) => host.kind === 'silent' && history?.has(host.host) !== true)
  return silent?.kind === 'silent'
    ? `nobody knows what ${silent.host} runs: it can't be asked (${silent.because}), and no history tells`
    : undefined
}
