import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CommandContext } from '../../src/commands/context.js'
import { migrateOnce } from '../../src/commands/migrate.js'
import type { MigrateConfig } from '../../src/config/types.js'
import type { StepContext } from '../../src/execute/steps.js'
import type { ReleaseRecord } from '../../src/release/release.js'
import { Vault } from '../../src/secrets/vault.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { readMigrationRecord } from '../../src/store/migrations.js'
import { World } from '../execute/world.js'

let world: World
let record: ReleaseRecord
let events: DeliverEvent[]

/** Both hosts have v1, and stand before a switch to it. */
beforeEach(async () => {
  world = await World.running('web1', 'web2')
  record = await world.publish('v1')
  events = []
})
afterEach(() => world.close())

function migrateWith(
  change: Partial<MigrateConfig>,
  { verify = false, restage = record } = {},
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
  const steps: StepContext = {
    kind: 'deploy',
    release: 'v1',
    hosts: world.hosts.all.map(({ host }) => ({
      host: world.link(host),
      step: {
        host: host.name,
        from: 'v0',
        to: 'v1',
        stage: 'present',
        act: verify ? 'verify' : 'activate',
        because: '',
      },
    })),
  }
  return migrateOnce(context, session, { record: restage, previous: 'v0' }, steps)
}

const ran = (host: string): string => {
  const file = join(world.host(host).path, 'ran')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const noted = () => readMigrationRecord({ store: world.store, app: 'api', environment: 'production' }, 'v1')

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
})
