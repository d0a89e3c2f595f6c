import { randomUUID } from 'node:crypto'
import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import { decidedWrite } from './decided-write.js'
import { readFields, readText, type Fields } from './json.js'
import { begunMigrationKey, begunMigrationsPrefix, migrationKey } from './layout.js'

interface Told {
  readonly release: string
  /** ISO 8601, for people. */
  readonly at: string
  readonly by: string
}

/** That the migration of a release was done in an environment. Written once, after it succeeded. */
export interface MigrationRecord extends Told {
  readonly version: 1
  /** Where it ran; undefined: a person said that it was done. */
  readonly host?: string
}

/** That a migration was begun on a host, written before. It goes when it was done or has failed: one that is left was cut off. */
export interface BegunMigration extends Told {
  readonly host: string
  /** The most that it may take on the host, in ms. */
  readonly timeout: number
  /** Since it was written, by the store's clock, in ms. */
  readonly age: number
  /** Of the document. */
  readonly version: string
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
  const host = fields.optionalText('host')
  return { version: 1, ...toldIn(fields), ...(host === undefined ? {} : { host }) }
}

/** One that is there already stays: it was done before, whoever did it. Then it is not under way any more. */
export async function writeMigrationRecord(where: Where, record: MigrationRecord): Promise<void> {
  const { store, app, environment } = where
  const body = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`)
  await store.create(migrationKey(app, environment, record.release), body)
  await forgetBegun(where, record.release)
}

/** So that it can be done once more. */
export async function forgetMigration(where: Where, release: string): Promise<void> {
  await where.store.remove(migrationKey(where.app, where.environment, release))
  await forgetBegun(where, release)
}

/** All that were begun in the environment and not ended. */
export async function begunMigrations({
  store,
  app,
  environment,
}: Where): Promise<readonly BegunMigration[]> {
  const begun: BegunMigration[] = []
  for (const { key } of await store.list(begunMigrationsPrefix(app, environment))) {
    const document = await store.readDocument(key)
    if (document === undefined) continue
    const fields = readFields(key, document.text)
    const age = document.now - document.modifiedAt
    const { version } = document
    begun.push({
      ...toldIn(fields),
      host: fields.text('host'),
      timeout: fields.count('timeout'),
      age,
      version,
    })
  }
  return begun
}

/** Durable before it returns. `earlier` is what it takes the place of. Rejects when somebody else has begun it in the meantime. */
export async function noteBegun(
  { store, app, environment }: Where,
  begun: Omit<BegunMigration, 'age' | 'version'>,
  earlier?: BegunMigration,
): Promise<void> {
  const key = begunMigrationKey(app, environment, begun.release)
  const nonce = randomUUID()
  const text = `${JSON.stringify({ version: 1, ...begun, nonce }, undefined, 2)}\n`
  const isOurs = (found: string): boolean => readFields(key, found).optionalText('nonce') === nonce
  if ((await decidedWrite({ store, key, text, expected: earlier?.version, isOurs })) !== undefined) return
  throw new DeliverError('failed', `${key}: somebody else has begun it in the meantime`, {
    fix: 'See deliver status for who deploys now.',
  })
}

export async function forgetBegun({ store, app, environment }: Where, release: string): Promise<void> {
  await store.remove(begunMigrationKey(app, environment, release))
}

function toldIn(fields: Fields): Told {
  return { release: fields.text('release'), at: fields.text('at'), by: fields.text('by') }
}
