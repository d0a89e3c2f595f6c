import { isDeadProcess } from '../../adapters/machine.js'
import type { CheckFacts, LockFacts, PointerFacts } from '../../check/facts.js'
import type { Config } from '../../config/types.js'
import { aliasHolds } from '../../execute/bring-alias.js'
import type { Store } from '../../ports.js'
import type { ReleaseRecord } from '../../release/release.js'
import { describeHolder } from '../../store/lock-document.js'
import { lookAtLock } from '../../store/lock.js'
import { begunMigrations } from '../../store/migrations.js'
import { readPointer, type Pointer } from '../../store/pointer.js'
import { newestRelease, readRelease } from '../../store/releases.js'
import { openAlias, openStore } from '../../wire.js'
import { looked } from './looked.js'
import { answers, tryStore } from './try-store.js'

export type StoreLook = Pick<CheckFacts, 'store' | 'lock' | 'begun' | 'pointer'> & {
  /** Of the release that the pointer names; before the first deploy, of the newest. */
  readonly record?: ReleaseRecord
}

/** Rights, lock and pointer. A store that doesn't answer is told once, not three times. */
export async function lookAtStore(config: Config, signal: AbortSignal): Promise<StoreLook> {
  if (config.store === undefined) return {}
  const opened = await looked(() => openStore(config))
  if (opened.kind === 'failed') {
    const name = config.store.place.kind === 's3' ? config.store.place.bucket : config.store.place.directory
    return { store: { name, steps: [{ step: 'put', trouble: opened.trouble }], unfinished: [] } }
  }
  const store = opened.value
  const { app, environment } = config
  const tried = await tryStore(store, { app, environment, signal })
  if (!answers(tried)) return { store: tried }
  const migrates = config.rollout.migrate !== undefined
  const [lock, begun, pointer] = await Promise.all([
    looked(() => lookAtLease(store, config)),
    migrates ? looked(() => begunMigrations({ store, app, environment })) : undefined,
    looked(() => readPointer(store, app, environment)),
  ])
  const told = { store: tried, lock, ...(begun === undefined ? {} : { begun }) }
  if (pointer.kind === 'failed') return { ...told, pointer }
  if (pointer.value === undefined) {
    const next = await looked(() => newestRecord(store, app))
    const record = next.kind === 'seen' && next.value !== undefined ? { record: next.value } : {}
    return { ...told, pointer: { kind: 'seen', value: {} }, ...record }
  }
  const named = pointer.value
  const record = await looked(() => readRelease(store, app, named.release))
  if (record.kind === 'failed') return { ...told, pointer: record }
  return {
    ...told,
    pointer: await looked(() => lookAtPointer(config, store, named, record.value)),
    ...(record.value === undefined ? {} : { record: record.value }),
  }
}

/** What the first deploy would take. */
async function newestRecord(store: Store, app: string): Promise<ReleaseRecord | undefined> {
  const release = await newestRelease(store, app)
  return release === undefined ? undefined : readRelease(store, app, release)
}

async function lookAtLease(store: Store, { app, environment }: Config): Promise<LockFacts | undefined> {
  const found = await lookAtLock(store, app, environment)
  if (found === undefined) return undefined
  const { lock, free } = found
  return {
    id: lock.id,
    holder: describeHolder(lock),
    state: lock.released ? 'released' : free || isDeadProcess(lock) ? 'dead' : 'held',
    fence: lock.fence,
    changed: lock.changed,
  }
}

async function lookAtPointer(
  config: Config,
  store: Store,
  pointer: Pointer,
  record: ReleaseRecord | undefined,
): Promise<PointerFacts> {
  const { release, generation, movedAt, movedBy, archive, manifest, listing, agent } = pointer
  const needed = [
    archive,
    manifest,
    ...(listing === undefined ? [] : [listing]),
    ...(agent === undefined ? [] : [agent]),
  ]
  const sizes = await Promise.all(needed.map(({ key }) => store.size(key)))
  const missing = needed.filter(({ size }, at) => sizes[at] !== size).map(({ key }) => key)
  const key = config.store?.alias
  return {
    current: {
      release,
      generation,
      movedAt,
      movedBy,
      published: record?.archive.sha256 === archive.sha256,
      missing,
    },
    ...(key === undefined || record === undefined || missing.length > 0
      ? {}
      : { alias: await looked(() => lookAtAlias(config, key, record)) }),
  }
}

async function lookAtAlias(
  config: Config,
  key: string,
  record: ReleaseRecord,
): Promise<{ readonly name: string; readonly holds: boolean }> {
  const alias = await openAlias(config)
  if (alias === undefined) return { name: key, holds: false }
  return { name: alias.name, holds: await aliasHolds({ alias, key, record }) }
}
