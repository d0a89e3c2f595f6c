import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { Place } from './place.js'

let place: Place

beforeAll(async () => {
  place = await Place.create(2)
  place.configure({
    rollout: {
      strategy: 'rolling',
      batch: 1,
      migrate: 'echo "$DELIVER_RELEASE" >>../../began; sleep 4; echo "$DELIVER_RELEASE" >>../../ended',
    },
  })
  expect(await place.ship('v1')).toMatchObject({ code: 0 })
}, 120_000)

const noted = (what: 'began' | 'ended') =>
  ['web1', 'web2'].map((host) => {
    const file = join(place.hostDirectory(host), 'app', what)
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  })

/** Ends a deploy the hard way while its migration runs on web1. */
async function killWhileMigrating(release: string): Promise<void> {
  const running = place.start('deploy', release)
  await vi.waitFor(() => expect(noted('began')[0]).toContain(release), { timeout: 30_000, interval: 20 })
  running.process.kill('SIGKILL')
  expect((await running.finished).code).toBe('SIGKILL')
}

test(
  'a migration whose deploy was killed runs on no other host, and its own says how it ended',
  { timeout: 120_000 },
  async () => {
    await place.publish('v2')
    await killWhileMigrating('v2')
    const checked = await place.run('check')
    expect(checked.output).toMatch(/a migration to v2 was begun on web1 .* and how it ended is not known/)
    const elsewhere = await place.run('deploy', 'v2', '--hosts', 'web2')
    expect(elsewhere.code, elsewhere.output).toBe(1)
    expect(elsewhere.output).toMatch(/a migration to v2 was begun on web1 .* and how it ended is not known/)
    expect(await place.running()).toEqual(['web1 v1', 'web2 v1'])

    const everywhere = await place.run('deploy', 'v2')
    expect(everywhere.code, everywhere.output).toBe(0)
    expect(everywhere.output).toContain('migrate: done already for v2')
    expect((await place.run('check')).output).not.toContain('a migration to')
    expect(noted('began')).toEqual([['v1', 'v2'], []])
    expect(noted('ended')).toEqual([['v1', 'v2'], []])
    expect(await place.running()).toEqual(['web1 v2', 'web2 v2'])
  },
)

test('nor does that of another release run beside it', { timeout: 120_000 }, async () => {
  await place.publish('v3')
  await place.publish('v4')
  await killWhileMigrating('v3')
  const refused = await place.run('deploy', 'v4', '--hosts', 'web2')
  expect(refused.code, refused.output).toBe(1)
  expect(refused.output).toMatch(/a migration to v3 was begun on web1 .* and may be under way/)
  expect(noted('began')[1]).toEqual([])

  const deployed = await place.run('deploy', 'v4')
  expect(deployed.code, deployed.output).toBe(0)
  expect(noted('began')).toEqual([['v1', 'v2', 'v3', 'v4'], []])
  expect(noted('ended')).toEqual([['v1', 'v2', 'v3', 'v4'], []])

  // Nobody has heard yet that it was done but its host, where the release may have been removed meanwhile.
  const back = await place.run('deploy', 'v3')
  expect(back.code, back.output).toBe(0)
  expect(back.output).toContain('migrate: done already for v3')
  expect(noted('began')).toEqual([['v1', 'v2', 'v3', 'v4'], []])
})

test(
  'nor after its host was asked and could not tell, and what to do is said',
  { timeout: 120_000 },
  async () => {
    await place.publish('v6')
    await place.publish('v7')
    const running = place.start('deploy', 'v6')
    await vi.waitFor(() => expect(noted('began')[0]).toContain('v6'), { timeout: 30_000, interval: 20 })
    const holder = join(place.hostDirectory('web1'), 'app/.deliver/lock-holder')
    running.process.kill('SIGKILL')
    process.kill(Number(/^pid (\d+)/.exec(readFileSync(holder, 'utf8'))?.[1]), 'SIGKILL')
    expect((await running.finished).code).toBe('SIGKILL')
    await vi.waitFor(() => expect(noted('ended')[0]).toContain('v6'), { timeout: 30_000, interval: 100 })
    for (const release of ['v6', 'v7', 'v6']) {
      const { code, output } = await place.run('deploy', release)
      expect(code, output).toBe(release === 'v7' ? 0 : 1)
      if (release === 'v6')
        expect(output).toMatch(/cut off: whether it was done is not known.*--migrate skip/s)
    }
    const skipped = await place.run('deploy', 'v6', '--migrate', 'skip')
    expect(skipped.code, skipped.output).toBe(0)
    expect(noted('began')[0]?.filter((each) => each === 'v6')).toEqual(['v6'])
  },
)

test('a person can say that it was done', { timeout: 120_000 }, async () => {
  await place.publish('v5')
  await killWhileMigrating('v5')
  const deployed = await place.run('deploy', 'v5', '--hosts', 'web2', '--migrate', 'skip')
  expect(deployed.code, deployed.output).toBe(0)
  expect(noted('began')[1]).toEqual([])
  expect(await place.running()).toEqual(['web1 v6', 'web2 v5'])
})

test('--migrate is refused without a migration', { timeout: 60_000 }, async () => {
  place.configure({})
  const refused = await place.run('deploy', 'v5', '--migrate', 'run')
  expect(refused.code, refused.output).toBe(2)
  expect(refused.output).toContain('the config has no rollout.migrate')
})
