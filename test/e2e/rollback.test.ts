import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { Place } from './place.js'

/** What a rollback takes back after deploys that ended half-way. */
let place: Place
const on = (release: string): readonly string[] =>
  ['web1', 'web2', 'web3'].map((host) => `${host} ${release}`)

beforeAll(async () => {
  place = await Place.create(3)
  for (const release of ['v1', 'v2']) expect(await place.ship(release)).toMatchObject({ code: 0 })
}, 120_000)

test('after a deploy that stopped at the first host, hosts that it never reached stay', async () => {
  place.change('v3', 'broken')
  const shipped = await place.run('ship', '--tag', 'v3', '--on-failure', 'stop')
  expect(shipped.code, shipped.output).toBe(4)
  expect(await place.running()).toEqual(['web1 v3', 'web2 v2', 'web3 v2'])
  const { code, output } = await place.run('rollback', '--yes')
  expect(code, output).toBe(0)
  expect(output).toMatch(/web2.*already on v2/)
  expect(await place.running()).toEqual(on('v2'))
  expect(place.pointer()).toBe('v2')
  expect((await place.run('status', '--exit-code')).code).toBe(0)

  const again = await place.run('rollback', '--yes')
  expect(again.code, again.output).toBe(0)
  expect(await place.running()).toEqual(on('v2'))
  expect(place.pointer()).toBe('v2')
})

test('after a deploy to chosen hosts, only those go back', async () => {
  place.change('v4')
  expect(await place.run('ship', '--tag', 'v4', '--hosts', 'web2')).toMatchObject({ code: 0 })
  const { code, output } = await place.run('rollback', '--yes')
  expect(code, output).toBe(0)
  expect(await place.running()).toEqual(on('v2'))
  expect(place.pointer()).toBe('v2')
})

/** Ends it the hard way when its first host waits to be well. */
async function killWhileSettling(...args: readonly string[]): Promise<void> {
  const running = place.start(...args)
  await running.seen(/"host":"web1".*"state":"settling"/)
  running.process.kill('SIGKILL')
  expect((await running.finished).code).toBe('SIGKILL')
}

test('after a deploy that was killed, and that its host took back by itself, no more is taken back', async () => {
  const health = { ...(place.config as { health: object }).health, deadline: '4s' }
  place.configure({ health, rollout: { strategy: 'rolling', batch: 1, guard: '5s' } })
  place.change('v5')
  await killWhileSettling('ship', '--tag', 'v5')
  const back = async (): Promise<void> => expect(await place.running()).toEqual(on('v2'))
  await vi.waitFor(back, { timeout: 40_000, interval: 500 })
  const { code, output } = await place.run('rollback', '--yes')
  expect(code, output).toBe(0)
  expect(output).toMatch(/web1.*already on v2 since v5 was undone/)
  expect(await place.running()).toEqual(on('v2'))
  expect(place.pointer()).toBe('v2')
})

test('a rollback that was killed goes on from where it was', async () => {
  place.configure({})
  expect(await place.ship('v6')).toMatchObject({ code: 0 })
  await killWhileSettling('rollback', '--yes')
  expect(place.pointer()).toBe('v2')
  const { code, output } = await place.run('rollback', '--yes')
  expect(code, output).toBe(0)
  expect(await place.running()).toEqual(on('v2'))
  expect(place.pointer()).toBe('v2')
})

test('a store that takes the place of another: refused before anything is staged, and the error says what to do', async () => {
  const fence = join(place.hostDirectory('web1'), 'app/.deliver/fence')
  writeFileSync(fence, '1000\n')
  const checked = await place.run('check')
  expect(checked.code, checked.output).toBe(8)
  expect(checked.output).toMatch(/web1.*fenced out: this host has seen deploy 1000/)
  const refused = await place.run('deploy', 'v4', '--yes')
  expect(refused.code, refused.output).toBe(1)
  expect(refused.output).toMatch(
    /web1.*has seen deploy 1000, this is \d+\. If no other deploy is under way, it was deployed to from another store/,
  )
  expect(refused.output).not.toContain('staging')
  expect(await place.running()).toEqual(on('v2'))
  rmSync(fence)
  expect((await place.run('check')).output).not.toContain('fenced')
  expect((await place.run('deploy', 'v4', '--yes')).code).toBe(0)
})
