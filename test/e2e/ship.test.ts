import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Place } from './place.js'

let place: Place
const on = (release: string): readonly string[] => ['web1', 'web2'].map((host) => `${host} ${release}`)

beforeAll(async () => {
  place = await Place.create(2)
  const { code, output } = await place.ship('v1')
  expect(code, output).toBe(0)
}, 120_000)

describe('the main job', { timeout: 120_000 }, () => {
  test('ship: every host runs the release with what setup made, and the pointer names it', async () => {
    expect(await place.running()).toEqual(on('v1'))
    expect(place.pointer()).toBe('v1')
  })

  test('the next release rolls, and no client sees a failure', async () => {
    const traffic = place.traffic()
    const { code, output } = await place.ship('v2')
    const { failures, requests } = await traffic.stop()
    expect(code, output).toBe(0)
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(20)
    expect(await place.running()).toEqual(on('v2'))
    expect(place.pointer()).toBe('v2')
  })

  test('the same again restarts nothing', async () => {
    const before = await place.answers()
    const { code, output } = await place.run('deploy', 'v2')
    expect(code, output).toBe(0)
    expect(await place.answers()).toEqual(before)
  })

  test('a broken release: 5, and every host is back', async () => {
    const { code, output } = await place.ship('v3', 'broken')
    expect(code, output).toBe(5)
    expect(output).toContain('500')
    expect(output).toContain('Correct the release and ship it again')
    expect(await place.running()).toEqual(on('v2'))
    expect(place.pointer()).toBe('v2')
  })

  test('a tree with changes is refused before it is built, unless that is meant', async () => {
    writeFileSync(join(place.directory, 'server.js'), '// changed')
    const { code, output } = await place.run('ship', '--tag', 'v4')
    expect(code, output).toBe(8)
    expect(output).toContain('server.js: not as in the commit that is built')
    expect(output).not.toContain('setup')
    const meant = await place.run('ship', '--tag', 'v2', '--allow-dirty', '--dry-run')
    expect(meant.code, meant.output).toBe(0)
    place.undo()
  })

  test('--dry-run: the plan, and nothing changes, not even a lock is taken', async () => {
    const before = await place.answers()
    const lock = place.inStore('hello/production/lock.json')
    const { code, output } = await place.run('deploy', 'v1', '--dry-run')
    expect(code, output).toBe(0)
    expect(output).toMatch(/web1.*switch to v1/)
    expect(await place.answers()).toEqual(before)
    expect(place.inStore('hello/production/lock.json')).toBe(lock)
  })

  test('ship --dry-run builds nothing: its name for a new release, the plan for a published one', async () => {
    const lock = place.inStore('hello/production/lock.json')
    const fresh = await place.run('ship', '--tag', 'v9', '--dry-run')
    expect(fresh.code, fresh.output).toBe(0)
    expect(fresh.output).toContain('would build v9')
    const published = await place.run('ship', '--tag', 'v1', '--dry-run')
    expect(published.code, published.output).toBe(0)
    expect(published.output).toMatch(/web1.*switch to v1/)
    expect(place.inStore('hello/production/lock.json')).toBe(lock)
    expect((await place.run('deploy', 'v9')).code).toBe(8)
  })

  test('rollback: to the last good release, and the pointer follows', async () => {
    const { code, output } = await place.run('rollback', '--yes')
    expect(code, output).toBe(0)
    expect(await place.running()).toEqual(on('v1'))
    expect(place.pointer()).toBe('v1')
  })

  test('rollback to a release that a host lacks: it is staged from the store', async () => {
    const home = place.hostDirectory('web1')
    rmSync(join(home, 'app', 'releases', 'v2'), { recursive: true })
    const { code, output } = await place.run('rollback', 'v2', '--yes')
    expect(code, output).toBe(0)
    expect(await place.running()).toEqual(on('v2'))
  })

  test('status --json: one line per event, and the result last', async () => {
    const { finished } = place.start('status')
    const { code, stdout } = await finished
    expect(code, stdout).toBe(0)
    const events = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(events.at(-1)).toMatchObject({
      type: 'result',
      ok: true,
      code: 0,
      data: { pointer: { release: 'v2' } },
    })
  })

  test('TAG of the environment names the release', async () => {
    await place.publish('v4')
    const { deliver } = await import('../integration/rig/deliver.js')
    const { code, output } = await deliver(['--plain', 'deploy'], {
      cwd: place.directory,
      env: { TAG: 'v4' },
    })
    expect(code, output).toBe(0)
    expect(await place.running()).toEqual(on('v4'))
  })

  test('history and releases tell what happened', async () => {
    expect((await place.run('history')).output).toMatch(/rollback.*v2/)
    expect((await place.run('releases')).output).toMatch(/v4.*production/)
  })
})
