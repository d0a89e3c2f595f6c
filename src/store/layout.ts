import { createHash } from 'node:crypto'
import { DeliverError } from '../errors.js'
import type { ArchiveFormat } from '../release/release.js'

/**
 * Where everything lives in the store. Pure, and the only place that builds keys:
 *
 *   <app>/releases/<release>/{archive.tar.zst, manifest.json.zst, listing, signature, release.json, delta-<hash>, delta-<hash>.json}
 *   <app>/agents/agent-<hash>.sh
 *   <app>/<environment>/{current.json, lock.json, history/<time>-<id>.json, migrations/<release>.json, migrating/<release>.json, trials/<id>}
 */
export interface ReleaseKeys {
  readonly archive: string
  readonly manifest: string
  /** What a host that boots compares its tree with. */
  readonly listing: string
  /** `release.json`, written last. */
  readonly record: string
}

/** One part of a key. Nothing that starts with a dot: a store keeps its own files under such names. */
const part = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

export function releaseKeys(
  app: string,
  release: string,
  files: { readonly format: ArchiveFormat; readonly manifestFile: string },
): ReleaseKeys {
  const directory = `${releasesPrefix(app)}${checked('release', release)}`
  return {
    archive: `${directory}/archive.${files.format}`,
    manifest: `${directory}/${checked('manifest file', files.manifestFile)}`,
    listing: `${directory}/listing`,
    record: `${directory}/release.json`,
  }
}

/** What brings hosts from one release, staged with these shared paths, to another: named by both. */
export function readyDeltaKeys(
  app: string,
  release: string,
  from: { readonly baseDigest: string; readonly shared: readonly string[] },
): { readonly body: string; readonly record: string } {
  const hash = createHash('sha256')
    .update([from.baseDigest, ...from.shared].join('\n'))
    .digest('hex')
  const body = `${releasesPrefix(app)}${checked('release', release)}/delta-${hash.slice(0, 24)}`
  return { body, record: `${body}.json` }
}

/** The program that hosts run, under its own hash: written once, and never changed. */
export function agentKey(app: string, file: string): string {
  return `${checked('app', app)}/agents/${checked('agent', file)}`
}

export function releaseRecordKey(app: string, release: string): string {
  return `${releasesPrefix(app)}${checked('release', release)}/release.json`
}

/** Of the release's statement; written before its record. */
export function signatureKey(app: string, release: string): string {
  return `${releasesPrefix(app)}${checked('release', release)}/signature`
}

/** Starts the keys of all releases of an app; ends with a slash. */
export function releasesPrefix(app: string): string {
  return `${checked('app', app)}/releases/`
}

/** The release whose record has this key, undefined for any other key. */
export function releaseOfRecordKey(app: string, key: string): string | undefined {
  const prefix = releasesPrefix(app)
  if (!key.startsWith(prefix)) return undefined
  const [release, file, ...rest] = key.slice(prefix.length).split('/')
  return file === 'release.json' && rest.length === 0 && release !== '' ? release : undefined
}

/** Starts every key of an app; ends with a slash. */
export function appPrefix(app: string): string {
  return `${checked('app', app)}/`
}

/** The environment whose pointer has this key, undefined for any other key. */
export function environmentOfPointerKey(app: string, key: string): string | undefined {
  const [environment, file, ...rest] = key.slice(appPrefix(app).length).split('/')
  return file === 'current.json' && rest.length === 0 ? environment : undefined
}

export function pointerKey(app: string, environment: string): string {
  return `${environmentPrefix(app, environment)}current.json`
}

export function lockKey(app: string, environment: string): string {
  return `${environmentPrefix(app, environment)}lock.json`
}

/** Starts the keys of an environment's history; ends with a slash. */
export function historyPrefix(app: string, environment: string): string {
  return `${environmentPrefix(app, environment)}history/`
}

/** `time` in ms since 1970. Later entries sort after earlier ones. */
export function historyKey(app: string, environment: string, time: number, id: string): string {
  const stamp = new Date(time).toISOString().replaceAll(/[:.]/g, '-')
  return `${historyPrefix(app, environment)}${stamp}-${checked('history id', id)}.json`
}

/** What rights are tried on; removed at once. */
export function trialKey(app: string, environment: string, id: string): string {
  return `${trialsPrefix(app, environment)}${checked('trial', id)}`
}

export function trialsPrefix(app: string, environment: string): string {
  return `${environmentPrefix(app, environment)}trials/`
}

/** That the migration of a release was done in the environment. */
export function migrationKey(app: string, environment: string, release: string): string {
  return `${environmentPrefix(app, environment)}migrations/${checked('release', release)}.json`
}

/** That the migration of a release was begun in the environment and has not ended. */
export function begunMigrationKey(app: string, environment: string, release: string): string {
  return `${begunMigrationsPrefix(app, environment)}${checked('release', release)}.json`
}

export function begunMigrationsPrefix(app: string, environment: string): string {
  return `${environmentPrefix(app, environment)}migrating/`
}

function environmentPrefix(app: string, environment: string): string {
  if (environment === 'releases' || environment === 'agents') {
    throw new DeliverError(
      'usage',
      `no environment can be named "${environment}": the store keeps ${environment} there`,
      { fix: 'Give the environment another name.' },
    )
  }
  return `${checked('app', app)}/${checked('environment', environment)}/`
}

function checked(what: string, name: string): string {
  if (name.length <= 200 && part.test(name) && !name.includes('..')) return name
  throw new DeliverError('usage', `${what} ${JSON.stringify(name)} can't be part of a store key`, {
    fix: 'Use letters, digits, ".", "_" and "-" only, at most 200, not starting with a dot, without "..".',
  })
}
