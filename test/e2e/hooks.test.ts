import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { Place } from './place.js'

/** Every hook notes itself; those on hosts in the host's home. */
const note = 'echo "$DELIVER_HOOK $DELIVER_RELEASE ${DELIVER_HOST:-$DELIVER_HOSTS}" >>../hooks.log'
const noteAll = Object.fromEntries(
  [
    'beforeSetup',
    'afterPublish',
    'beforeStage',
    'afterStage',
    'beforeRollout',
    'beforeBatch',
    'beforeActivate',
    'afterSettle',
    'afterHost',
    'afterBatch',
    'afterRollout',
    'beforeRollback',
    'afterRollback',
    'onFailure',
  ].map((point) => [point, note]),
)

let place: Place

beforeAll(async () => {
  place = await Place.create(2)
}, 120_000)

function noted(): readonly string[] {
  const file = join(place.directory, '..', 'hooks.log')
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim())
}

test(
  'hooks run in their order, and the migration between staging and switching',
  { timeout: 120_000 },
  async () => {
    const migrate = { run: 'cat RELEASE >>../../migrated', host: 'web2' }
    place.configure({
      hooks: { ...noteAll, afterStage: [note, { run: 'cat RELEASE', on: 'hosts' }] },
      rollout: { strategy: 'rolling', batch: 1, migrate },
    })
    const shipped = await place.ship('v1')
    expect(shipped.code, shipped.output).toBe(0)
    expect(noted()).toEqual([
      'beforeSetup',
      'afterPublish v1',
      'beforeStage v1 web1,web2',
      'afterStage v1 web1,web2',
      'beforeRollout v1 web1,web2',
      ...['web1', 'web2'].flatMap((host) =>
        ['beforeBatch', 'beforeActivate', 'afterSettle', 'afterHost', 'afterBatch'].map(
          (point) => `${point} v1 ${host}`,
        ),
      ),
      'afterRollout v1 web1,web2',
    ])
    expect(shipped.output).toMatch(/web2 {2}\| v1/)
    expect(readFileSync(join(place.hostDirectory('web2'), 'app', 'migrated'), 'utf8')).toBe('v1\n')
    expect(existsSync(join(place.hostDirectory('web1'), 'app', 'migrated'))).toBe(false)
    expect(place.inStore('hello/production/migrations/v1.json')).toContain('"host": "web2"')
  },
)

test('a dry run runs none', { timeout: 120_000 }, async () => {
  const before = noted()
  await place.publish('v2')
  const after = noted().filter((line) => /Stage|Rollout|Batch|Host/.test(line))
  const planned = await place.run('deploy', 'v2', '--dry-run')
  expect(planned.code, planned.output).toBe(0)
  expect(noted().filter((line) => /Stage|Rollout|Batch|Host/.test(line))).toEqual(after)
  expect(before.length).toBeGreaterThan(0)
})

test('a migration that fails leaves every host on what it ran', { timeout: 120_000 }, async () => {
  place.configure({
    rollout: { strategy: 'rolling', batch: 1, migrate: 'echo no table; exit 3' },
    hooks: noteAll,
  })
  const deployed = await place.run('deploy', 'v2')
  expect(deployed.code, deployed.output).toBe(1)
  expect(deployed.output).toContain('no table')
  expect(deployed.output).toContain('the migration failed with exit code 3')
  expect(await place.running()).toEqual(['web1 v1', 'web2 v1'])
  expect(noted().at(-1)).toContain('onFailure v2')
})

test('a marked release needs a yes; without a terminal that is --yes', { timeout: 120_000 }, async () => {
  place.configure({ rollout: { strategy: 'rolling', batch: 1, confirm: ['major', 'marked'] } })
  place.change('v3')
  for (const args of [['setup'], ['commit-deps', '--tag', 'v3']]) await place.run(...args)
  const published = await place.run(
    'publish',
    '--tag',
    'v3',
    '--confirm',
    'drops a table',
    '--oldest-rollback',
    'v3',
  )
  expect(published.code, published.output).toBe(0)
  const refused = await place.run('deploy', 'v3')
  expect(refused.code, refused.output).toBe(1)
  expect(refused.output).toContain('it is marked: drops a table')
  expect(refused.output).toContain('--yes')
  expect(await place.running()).toEqual(['web1 v1', 'web2 v1'])
  const deployed = await place.run('deploy', 'v3', '--yes')
  expect(deployed.code, deployed.output).toBe(0)
  expect(await place.running()).toEqual(['web1 v3', 'web2 v3'])
})

test('and it can not be rolled back past its mark, unless by force', { timeout: 120_000 }, async () => {
  const refused = await place.run('rollback')
  expect(refused.code, refused.output).toBe(8)
  expect(refused.output).toContain('v3 may be rolled back to v3 at the oldest, and v1 is older')
  expect(await place.running()).toEqual(['web1 v3', 'web2 v3'])
  const forced = await place.run('rollback', '--force')
  expect(forced.code, forced.output).toBe(0)
  expect(await place.running()).toEqual(['web1 v1', 'web2 v1'])
})
