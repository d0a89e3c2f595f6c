import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { Place } from './place.js'

let place: Place
beforeAll(async () => {
  place = await Place.create(1)
  for (const release of ['v1', 'v2']) {
    const shipped = await place.ship(release)
    expect(shipped.code, shipped.output).toBe(0)
  }
}, 120_000)

const file = (release: string): string =>
  join(place.hostDirectory('web1'), 'app/releases', release, 'server.js')

test('a release that is on the host as it was staged is not sent again', { timeout: 60_000 }, async () => {
  const { code, output } = await place.run('deploy', 'v1')
  expect(code, output).toBe(0)
  expect(output).not.toContain('staging')
})

test('one that was changed there is', { timeout: 60_000 }, async () => {
  const before = readFileSync(file('v2'), 'utf8')
  // Both releases have the file: what runs from v1 writes to v2.
  appendFileSync(file('v1'), '// by the app itself\n')
  expect(readFileSync(file('v2'), 'utf8')).not.toBe(before)
  const { code, output } = await place.run('deploy', 'v2')
  expect(code, output).toBe(0)
  expect(output).toContain('v2 was changed on the host after it was staged, and is sent again: server.js')
  expect(readFileSync(file('v2'), 'utf8')).toBe(before)
  expect(await place.running()).toEqual(['web1 v2'])
})

test('a rollback takes what is there, and says that it was changed', { timeout: 60_000 }, async () => {
  const { code, output } = await place.run('rollback')
  expect(code, output).toBe(0)
  expect(output).toContain('v1 is not quite what was deployed: server.js was changed on the host')
  expect(await place.running()).toEqual(['web1 v1'])
})

test(
  'what runs and was broken there is not sent over itself: what to do is said, and helps',
  { timeout: 120_000 },
  async () => {
    const [answer] = await place.answers()
    writeFileSync(file('v1'), 'process.exit(1)\n')
    if (typeof answer === 'object') process.kill(answer.pid, 'SIGKILL')
    const again = await place.run('deploy', 'v1')
    expect(again.code, again.output).toBe(6)
    expect(again.output).toContain('To have it sent anew, deploy another release, and then this one')
    for (const release of ['v2', 'v1']) {
      const { code, output } = await place.run('deploy', release)
      expect(code, output).toBe(0)
      expect(await place.running()).toEqual([`web1 ${release}`])
    }
    expect(readFileSync(file('v1'), 'utf8')).toBe(readFileSync(join(place.directory, 'server.js'), 'utf8'))
  },
)
