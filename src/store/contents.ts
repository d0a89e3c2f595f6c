import { DeliverError } from '../errors.js'
import type { EnvironmentUse, StoredRelease } from '../plan/prune-store.js'
import type { Store, StoredKey } from '../ports.js'
import { readHistory } from './history.js'
import { appPrefix, environmentOfPointerKey, releaseRecordKey, releasesPrefix } from './layout.js'
import { readPointer } from './pointer.js'

/** Runs of an environment that are looked at, to know what its hosts ran last. */
const recentRuns = 30

export interface StoreContents {
  readonly releases: readonly StoredRelease[]
  /** The keys of a release's files, in the order in which they may go: the record, by which it exists, first, the archive last. */
  readonly files: ReadonlyMap<string, readonly string[]>
  readonly environments: readonly EnvironmentUse[]
}

/** All that the store has of an app, and who needs it. Rejects when any of it can't be read: what is unknown can't be removed. */
export async function readContents(store: Store, app: string): Promise<StoreContents> {
  const keys = await store.list(appPrefix(app))
  const byRelease = releaseFiles(app, keys)
  const environments = keys.flatMap(({ key }) => environmentOfPointerKey(app, key) ?? [])
  return {
    releases: [...byRelease].map(([release, files]) => ({
      release,
      publishedAt: files.find(({ key }) => key === releaseRecordKey(app, release))?.modifiedAt,
      touchedAt: Math.max(...files.map(({ modifiedAt }) => modifiedAt)),
    })),
    files: new Map(
      [...byRelease].map(([release, files]) => [release, files.map(({ key }) => key).sort(removalOrder)]),
    ),
    environments: await Promise.all(environments.map((environment) => useOf(store, app, environment))),
  }
}

function releaseFiles(app: string, keys: readonly StoredKey[]): ReadonlyMap<string, readonly StoredKey[]> {
  const prefix = releasesPrefix(app)
  const found = new Map<string, StoredKey[]>()
  for (const each of keys) {
    if (!each.key.startsWith(prefix)) continue
    const [release, ...file] = each.key.slice(prefix.length).split('/')
    if (release === undefined || file.length !== 1) continue
    found.set(release, [...(found.get(release) ?? []), each])
  }
  return found
}

function removalOrder(a: string, b: string): number {
  const rank = (key: string): number =>
    key.endsWith('/release.json') ? 0 : key.includes('/archive.') ? 2 : 1
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}

async function useOf(store: Store, app: string, environment: string): Promise<EnvironmentUse> {
  const pointer = await readPointer(store, app, environment)
  const { entries, unreadable } = await readHistory(store, { app, environment, limit: recentRuns })
  if (unreadable[0] !== undefined)
    throw new DeliverError(
      'precondition',
      `${store.name}: ${unreadable[0]} can't be read, so what ${environment} needs is not known`,
      {
        fix: 'Update deliver; or remove that entry, if it is damaged.',
      },
    )
  const lastKnown = new Map<string, string>()
  for (const { hosts } of entries)
    for (const { host, runs } of hosts)
      if (runs !== undefined && !lastKnown.has(host)) lastKnown.set(host, runs)
  const before = entries
    .filter(({ code }) => code === 0)
    .flatMap(({ release, previous }) => (previous === undefined ? [release] : [release, previous]))
    .find((release) => release !== pointer?.release)
  return { environment, current: pointer?.release, previous: before, lastKnown }
}
