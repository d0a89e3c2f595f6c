import { beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.js'
import { createDirectoryStore } from '../../src/adapters/directory-store.js'
import { acquireLease } from '../../src/store/lock.js'
import { Place } from './place.js'

let place: Place

beforeAll(async () => {
  place = await Place.create(3)
  const { code, output } = await place.ship('v1')
  expect(code, output).toBe(0)
  await place.publish('v2')
  expect((await place.run('deploy', 'v2', '--hosts', 'web2')).code).toBe(0)
}, 120_000)

describe('looking', { timeout: 60_000 }, () => {
  test('status: drift is seen, and is an exit code where that is asked for', async () => {
    const { code, output } = await place.run('status')
    expect(code, output).toBe(0)
    expect(output).toMatch(/web1 +v1 +healthy/)
    expect(output).toMatch(/web2 +v2 +healthy .*not v1/)
    expect(output).toContain('production is on v1; look at web2')
    expect((await place.run('status', '--exit-code')).code).toBe(4)
    expect((await place.run('status', '--exit-code', '--hosts', 'web1,web3')).code).toBe(0)
    expect((await place.run('status', '--exit-code', '--limit', '1')).code).toBe(0)
    const nobody = await place.run('status', '--hosts', 'db*')
    expect(nobody.code, nobody.output).toBe(7)
    expect(nobody.output).toContain('There are: web1')
  })

  test('releases --all: what hosts have and run, with their marks', async () => {
    const { code, output } = await place.run('releases', '--all')
    expect(code, output).toBe(0)
    expect(output).toMatch(/v1 .*runs on web1, web3; there on web1, web2, web3 +production/)
    expect(output).toMatch(/v2 .*runs on web2/)
    expect((await place.run('releases')).output).not.toContain('runs on')
    const few = await place.run('releases', '-n', '1')
    expect(few.output).toMatch(/v2/)
    expect(few.output).not.toMatch(/^v1/m)
  })

  test('history: of a release, and what a host wrote down itself', async () => {
    const all = await place.run('history')
    expect(all.output).toMatch(/deploy +v2 +v1 +0 +1 done/)
    expect(all.output).toMatch(/deploy +v1 +- +0 +3 done/)
    const one = await place.run('history', '--release', 'v2')
    expect(one.output).toContain('1 runs')
    const own = await place.run('history', '--host', 'web2', '-n', '3')
    expect(own.code, own.output).toBe(0)
    expect(own.output).toMatch(/web2 .*activate +v2 +0 /)
    expect(own.output).toMatch(/web2 .*confirm/)
    const other = await place.run('history', '--host', 'web1', '--release', 'v2')
    expect(other.output).toContain('0 steps')
  })

  test('the same deploy again converges, and restarts nothing that is right', async () => {
    const before = await place.answers()
    const { code, output } = await place.run('deploy', 'v2', '--only-outdated')
    expect(code, output).toBe(0)
    expect(await place.running()).toEqual(['web1 v2', 'web2 v2', 'web3 v2'])
    const after = await place.answers()
    expect(after[1]).toEqual(before[1])
    expect(after[0]).not.toEqual(before[0])
    expect((await place.run('deploy', 'v2', '--only-outdated')).code).toBe(0)
    expect(await place.answers()).toEqual(after)
    expect((await place.run('status', '--exit-code')).code).toBe(0)
  })

  test('unlock: the right id frees the lock of a run that is gone, another id does not', async () => {
    const owner = { owner: 'jenkins', job: 'hello #7', host: 'ci-1', pid: 1, machine: 'of another boot' }
    const lease = await acquireLease({
      store: createDirectoryStore({ directory: place.store }),
      clock: systemClock,
      ...{ app: 'hello', environment: 'production', owner },
    })
    const locked = await place.run('deploy', 'v2')
    expect(locked.code, locked.output).toBe(3)
    expect(locked.output).toContain(`deliver unlock ${lease.id}`)
    const wrong = await place.run('unlock', 'another-run')
    expect(wrong.code, wrong.output).toBe(2)
    expect((await place.run('deploy', 'v2')).code).toBe(3)
    const freed = await place.run('unlock', lease.id)
    expect(freed.code, freed.output).toBe(0)
    expect(freed.output).toContain('hello production was locked by jenkins')
    expect((await place.run('unlock', lease.id)).code).toBe(8)
    expect((await place.run('deploy', 'v2')).code).toBe(0)
  })

  test('a host that can not be read is told, next to the others, and fails', async () => {
    const { fleet } = place.sandbox.config
    const away = { host: '127.0.0.1', name: 'web9', port: 1 }
    place.configure({
      fleet: { hosts: [...fleet.hosts, away] },
      ssh: { ...place.sandbox.config.ssh, retries: 0 },
    })
    const { code, output } = await place.run('status')
    expect(code, output).toBe(1)
    expect(output).toMatch(/web1 +v2 +healthy/)
    expect(output).toMatch(/web9 +unknown/)
    expect(output).toContain('could not read web9')
    const releases = await place.run('releases', '--all')
    expect(releases.code, releases.output).toBe(1)
    expect(releases.output).toContain('could not read web9')
    const own = await place.run('history', '--host', 'web9')
    expect(own.code, own.output).toBe(1)
  })
})
