import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import type { CommandContext } from '../../src/commands/context.js'
import { migrateOnce, type MigrationChoice } from '../../src/commands/migrate.js'
import type { MigrateConfig } from '../../src/config/types.js'
import type { StepContext } from '../../src/execute/steps.js'
import type { ReleaseRecord } from '../../src/release/release.js'
import { Vault } from '../../src/secrets/vault.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { begunMigrations, noteBegun, readMigrationRecord } from '../../src/store/migrations.js'
import { World } from '../execute/world.js'

let world: World
let records: Map<string, ReleaseRecord>
let events: DeliverEvent[]

/** Both hosts have v1, and stand before a switch to it. */
beforeEach(async () => {
  world = await World.running('web1', 'web2')
  records = new Map([['v1', await world.publish('v1')]])
  events = []
})
afterEach(() => world.close())

function recordOf(release: string): ReleaseRecord {
  const record = records.get(release)
  if (record === undefined) throw new Error(`${release} was not published`)
  return record
}

function migrateWith(
  change: Partial<MigrateConfig>,
  {
    verify = false,
    release = 'v1',
    choice,
    only,
  }: { verify?: boolean; release?: string; choice?: MigrationChoice; only?: string } = {},
): Promise<void> {
  const migrate = { run: 'echo "$DELIVER_HOST $DELIVER_RELEASE" >>../../ran', timeout: 20_000, ...change }
  const run = world.run({ rollout: { migrate } }, events)
  const context: CommandContext = {
    cwd: '/',
    env: { USER: 'me' },
    reporter: run.reporter,
    interrupt: { signal: run.stop, reason: undefined },
    config: () => Promise.resolve(run.config),
    print: () => undefined,
    secrets: new Vault(() => undefined),
  }
  const session = { config: run.config, run, store: world.store }
  const all = world.hosts.all.filter(({ host }) => only === undefined || host.name === only)
  const steps: StepContext = {
    kind: 'deploy',
    release,
    hosts: all.map(({ host }) => ({
      host: world.link(host),
      step: {
        host: host.name,
        from: 'v0',
        to: release,
        stage: 'present',
        act: verify ? 'verify' : 'activate',
        because: '',
      },
    })),
  }
  return migrateOnce(context, session, { record: recordOf(release), previous: 'v0', choice }, steps)
}

const ran = (host: string): string => {
  const file = join(world.host(host).path, 'ran')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const where = () => ({ store: world.store, app: 'api', environment: 'production' })
const noted = () => readMigrationRecord(where(), 'v1')
const begun = async () => (await begunMigrations(where())).map(({ release, host }) => `${release} ${host}`)

describe('migrate', () => {
  test('runs on the first host, and the store remembers', async () => {
    await migrateWith({})
    expect([ran('web1'), ran('web2')]).toEqual(['web1 v1\n', ''])
    expect(await noted()).toMatchObject({ release: 'v1', host: 'web1' })
  })

  test('runs once for a release, on whatever host', async () => {
    await migrateWith({})
    await migrateWith({ host: 'web2' })
    expect([ran('web1'), ran('web2')]).toEqual(['web1 v1\n', ''])
    expect(events).toContainEqual({
      type: 'note',
      text: expect.stringMatching(/done already for v1, on web1/) as string,
    })
  })

  test('runs on the host that the config chooses', async () => {
    await migrateWith({ host: 'w*2' })
    expect([ran('web1'), ran('web2')]).toEqual(['', 'web2 v1\n'])
  })

  test('a choice that matches no host of the deploy is refused', async () => {
    await expect(migrateWith({ host: 'db*' })).rejects.toThrow(
      'rollout.migrate.host: "db*" matches none of web1, web2',
    )
  })

  test('does not run when no host switches', async () => {
    await migrateWith({}, { verify: true })
    expect(ran('web1')).toBe('')
  })

  test('that fails stops, with its output, and runs again next time', async () => {
    await expect(migrateWith({ run: 'echo no table; exit 3' })).rejects.toThrow(
      'migrate on web1: the migration failed with exit code 3',
    )
    expect(events).toContainEqual({ type: 'output', host: 'web1', stream: 'stderr', line: 'no table' })
    expect(await noted()).toBeUndefined()
    await migrateWith({})
    expect(ran('web1')).toBe('web1 v1\n')
  })

  test('that takes too long stops', async () => {
    await expect(migrateWith({ run: 'sleep 60', timeout: 1_000 })).rejects.toThrow(
      'not done after 1 s, and was killed',
    )
  })

  test('whose answer is lost is read back from the host, and not run again', async () => {
    world.host('web1').fail({ verb: 'migrate', kind: 'after' })
    await migrateWith({})
    expect(ran('web1')).toBe('web1 v1\n')
    expect(world.host('web1').countOf('migrate')).toBe(1)
    expect(await noted()).toMatchObject({ host: 'web1' })
  })

  test('whose failure is lost on the way is a failure', async () => {
    world.host('web1').fail({ verb: 'migrate', kind: 'after' })
    await expect(migrateWith({ run: 'exit 3' })).rejects.toThrow('the migration failed with exit code 3')
    expect(world.host('web1').countOf('migrate')).toBe(1)
  })

  test('that never reached the host is not claimed to be done, nor sent again', async () => {
    world.host('web1').fail({ verb: 'migrate', kind: 'before' })
    await expect(migrateWith({})).rejects.toThrow('whether it was done is not known')
    expect(world.host('web1').countOf('migrate')).toBe(1)
    expect(ran('web1')).toBe('')
    expect(await noted()).toBeUndefined()
  })

  test('is noted as begun before it runs, and as ended after', async () => {
    const create = world.store.create.bind(world.store)
    let before: readonly string[] | undefined
    world.store.create = async (...args) => {
      before = await begun()
      return create(...args)
    }
    await migrateWith({})
    expect(before).toEqual(['v1 web1'])
    expect(await begun()).toEqual([])
  })

  test('that failed may run on another host', async () => {
    await expect(migrateWith({ run: 'exit 3' })).rejects.toThrow('exit code 3')
    expect(await begun()).toEqual([])
    await migrateWith({}, { only: 'web2' })
    expect([ran('web1'), ran('web2')]).toEqual(['', 'web2 v1\n'])
  })

  describe('that a deploy began and never ended', () => {
    const cutOff = (change: { release?: string; timeout?: number; host?: string } = {}) =>
      noteBegun(where(), {
        release: 'v1',
        host: 'web1',
        at: '2026-01-01T00:00:00.000Z',
        by: 'ci',
        timeout: 600_000,
        ...change,
      })

    test('is asked for on its host, whatever the config chooses, and not run again when it was done there', async () => {
      await migrateWith({})
      await world.store.remove('api/production/migrations/v1.json')
      await cutOff()
      await migrateWith({ host: 'web2' })
      expect([ran('web1'), ran('web2')]).toEqual(['web1 v1\n', ''])
      expect(await noted()).toMatchObject({ host: 'web1' })
      expect(await begun()).toEqual([])
      expect(events).toContainEqual({ type: 'note', host: 'web1', text: 'migrate: done already for v1' })
    })

    test('and never reached its host runs there, and is noted as begun anew', async () => {
      await cutOff({ timeout: 1 })
      const create = world.store.create.bind(world.store)
      let before: readonly number[] = []
      world.store.create = async (...args) => {
        before = (await begunMigrations(where())).map(({ timeout }) => timeout)
        return create(...args)
      }
      await migrateWith({ host: 'web2' })
      expect(before).toEqual([20_000])
      expect([ran('web1'), ran('web2')]).toEqual(['web1 v1\n', ''])
    })

    test('is refused on other hosts while its own is not in the deploy', async () => {
      await cutOff()
      await expect(migrateWith({}, { only: 'web2' })).rejects.toThrow(
        'a migration to v1 was begun on web1 at 2026-01-01T00:00:00.000Z by ci, and how it ended is not known: web1 is not in this deploy',
      )
      expect([ran('web1'), ran('web2')]).toEqual(['', ''])
      expect(await begun()).toEqual(['v1 web1'])
    })

    test('runs where a person says so', async () => {
      await cutOff()
      await migrateWith({}, { only: 'web2', choice: 'run' })
      expect([ran('web1'), ran('web2')]).toEqual(['', 'web2 v1\n'])
      expect(await noted()).toMatchObject({ host: 'web2' })
      expect(await begun()).toEqual([])
    })

    test('is skipped where a person says so, also later', async () => {
      await cutOff()
      await migrateWith({}, { only: 'web2', choice: 'skip' })
      await migrateWith({})
      expect([ran('web1'), ran('web2')]).toEqual(['', ''])
      expect(await begun()).toEqual([])
      expect(events).toContainEqual({
        type: 'note',
        text: expect.stringMatching(/^migrate: done already for v1, as \S+ said at /) as string,
      })
    })

    test('keeps that of another release from running beside it, for as long as it may take', async () => {
      await cutOff({ release: 'v9' })
      await expect(migrateWith({}, { only: 'web2' })).rejects.toThrow(
        'a migration to v9 was begun on web1 at 2026-01-01T00:00:00.000Z by ci, and may be under way',
      )
      expect(ran('web2')).toBe('')
      // On its own host the lock keeps them apart.
      await migrateWith({ host: 'web2' })
      expect([ran('web1'), ran('web2')]).toEqual(['web1 v1\n', ''])
    })

    test('keeps no other release from migrating when its time is up', async () => {
      await cutOff({ release: 'v9', timeout: 0 })
      const readDocument = world.store.readDocument.bind(world.store)
      world.store.readDocument = async (key) => {
        const found = await readDocument(key)
        return found && { ...found, now: found.now + 61_000 }
      }
      await migrateWith({}, { only: 'web2' })
      expect(ran('web2')).toBe('web2 v1\n')
    })
  })

  test('that was cut off on its host is not run again, until a person says so', async () => {
    const kill = `kill -9 "$(sed 's/pid //; s/,.*//' ../../.deliver/lock-holder)"`
    await expect(migrateWith({ run: `echo ran >>../../ran; ${kill}`, timeout: 1_000 })).rejects.toThrow(
      'whether it was done is not known',
    )
    expect(ran('web1')).toBe('ran\n')
    await expect(migrateWith({})).rejects.toThrow('was begun here before, and cut off')
    await expect(migrateWith({}, { only: 'web2' })).rejects.toThrow('how it ended is not known')
    expect([ran('web1'), ran('web2')]).toEqual(['ran\n', ''])
    await migrateWith({}, { choice: 'run' })
    expect([ran('web1'), ran('web2')]).toEqual(['ran\nweb1 v1\n', ''])
  })

  test('does not begin when the store can not note it', async () => {
    world.store.writeDocument = () =>
      Promise.reject(new DeliverError('precondition', 'no', { fix: 'Mend it.' }))
    await expect(migrateWith({})).rejects.toThrow('no')
    expect(ran('web1')).toBe('')
  })
})
