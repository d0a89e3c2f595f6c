import type { Store } from '../ports.js'
import { readFields, readText } from './json.js'
import { migrationKey } from './layout.js'

/** That the migration of a release was done in an environment. Written once, after it succeeded. */
export interface MigrationRecord {
  readonly version: 1
  readonly release: string
  /** Where it ran. */
  readonly host: string
  /** ISO 8601, for people. */
  readonly at: string
  readonly by: string
}

interface Where {
  readonly store: Store
  readonly app: string
  readonly environment: string
}

export async function readMigrationRecord(
  { store, app, environment }: Where,
  release: string,
): Promise<MigrationRecord | undefined> {
  const key = migrationKey(app, environment, release)
  const text = await readText(store, key)
  if (text === undefined) return undefined
  const fields = readFields(key, text)
  return {
    version: 1,
    release: fields.text('release'),
    host: fields.text('host'),
    at: fields.text('at'),
    by: fields.text('by'),
  }
}

/** One that is there already stays: it was done before, whoever did it. */
export async function writeMigrationRecord(
  { store, app, environment }: Where,
  record: MigrationRecord,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`)
  await store.create(migrationKey(app, environment, record.release), body)
}
