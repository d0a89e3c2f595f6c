import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { Place } from './place.js'

/** What `publish` leaves for the deploy, told as differences from the release in production where that can be. */
let place: Place
const path = (name: string): string => join(place.directory, name)

function writeLibrary(edition: number): void {
  const lines = Array.from({ length: 3_000 }, (_, at) => `${at === edition ? 'new' : 'line'} ${at * 7919}`)
  writeFileSync(path('vendor/greet/library.js'), lines.join('\n'))
}

beforeAll(async () => {
  place = await Place.create(1)
  writeFileSync(path('asset'), randomBytes(400_000))
  place.configure({ archive: { format: 'tar.zst' } })
  writeLibrary(1)
  const { code, output } = await place.ship('v1')
  expect(code, output).toBe(0)
}, 120_000)

function readyDelta(release: string): { readonly encoding: string; readonly size: number } {
  const directory = join(place.store, 'hello/releases', release)
  const name = readdirSync(directory).find((each) => /^delta-.*\.json$/.test(each)) ?? 'none'
  return JSON.parse(readFileSync(join(directory, name), 'utf8')) as { encoding: string; size: number }
}

test('what changed within files is all that is sent', async () => {
  writeLibrary(2)
  const { code, output } = await place.ship('v2')
  expect(code, output).toBe(0)
  expect(output).toMatch(/delta on v1: \d+ of \d+ entries, 1 KiB as zstd patch/)
  expect(output).toMatch(/delta on v1: \d+ of \d+ entries, 1 KiB as differences/)
  expect(readyDelta('v2')).toMatchObject({ encoding: 'zstd-patch' })
  expect(readyDelta('v2').size).toBeLessThan(1024)
  expect(await place.running()).toEqual(['web1 v2'])
})

test('a file that git changes in archives: what is new is sent whole', async () => {
  writeFileSync(path('.gitattributes'), 'VERSION export-subst\n')
  writeFileSync(path('VERSION'), '$Format:%H$\n')
  expect(await place.ship('v3')).toMatchObject({ code: 0 })
  writeLibrary(3)
  const { code, output } = await place.ship('v4')
  expect(code, output).toBe(0)
  expect(output).toMatch(/delta on v3: \d+ of \d+ entries, \d+ KiB as zstd$/m)
  expect(output).toContain('not as differences: "VERSION" is another one in v3 than in its commit')
  expect(readyDelta('v4')).toMatchObject({ encoding: 'zstd' })
  expect(await place.running()).toEqual(['web1 v4'])
  writeFileSync(path('.gitattributes'), '')
  expect(await place.ship('v5')).toMatchObject({ code: 0 })
})

test('another clone, which lacks what is in production: what is new is sent whole', async () => {
  renameSync(join(place.repository, '.git'), join(place.repository, '..', 'clone.git'))
  execFileSync('git', ['init', '-q', '-b', 'main', place.repository])
  writeLibrary(4)
  const { code, output } = await place.ship('v6')
  expect(code, output).toBe(0)
  expect(output).toMatch(/delta on v5: \d+ of \d+ entries, \d+ KiB as zstd$/m)
  expect(output).toContain("not as differences: files of the commit can't be read")
  expect(await place.running()).toEqual(['web1 v6'])
})

test('a host that changed what is replaced: a delta that has all of it is made for that one', async () => {
  // The app has two copies, and one would do.
  const [library, copy] = ['node_modules', 'vendor'].map((directory) =>
    join(place.hostDirectory('web1'), 'app/current', directory, 'greet/library.js'),
  ) as [string, string]
  for (const each of [library, copy]) writeFileSync(each, 'changed on the host')
  writeLibrary(5)
  await place.publish('v7')
  expect(readyDelta('v7')).toMatchObject({ encoding: 'zstd-patch' })
  const { code, output } = await place.run('deploy', 'v7')
  expect(code, output).toBe(0)
  expect(output).toMatch(/KiB as zstd patch$/m)
  expect(output).toMatch(/delta on v6: \d+ of \d+ entries, \d+ KiB as zstd$/m)
  const now = readFileSync(library, 'utf8')
  expect(now.startsWith('line 0\nline 7919\n')).toBe(true)
  expect(await place.running()).toEqual(['web1 v7'])
})

/** What publish says of a release that nobody deploys. `says`: what the app would say that it is. */
async function publishNote(release: string, says = release): Promise<string> {
  place.change(says)
  await place.run('setup')
  await place.run('commit-deps', '--tag', release)
  const { code, output } = await place.run('publish', '--tag', release)
  expect(code, output).toBe(0)
  return output
}

test('files that are only new: sent whole, since they replace nothing', async () => {
  writeFileSync(path('more'), randomBytes(5_000))
  expect(await publishNote('v8', 'v7')).toContain('not as differences: it replaces nothing')
})

test('a file below a shared path, which a host has its own of', async () => {
  const { target } = place.config as { target: object }
  place.configure({ archive: { format: 'tar.zst' }, target: { ...target, shared: ['vendor'] } })
  writeLibrary(6)
  expect(await publishNote('v9')).toContain(
    'not as differences: a file that it replaces is below a shared path',
  )
  place.configure({ archive: { format: 'tar.zst' } })
})

test('an archive of gzip, which tells no differences', async () => {
  place.configure({})
  writeLibrary(7)
  expect(await publishNote('v10')).toContain('not as differences: its archive is gzip')
  place.configure({ archive: { format: 'tar.zst' } })
})

test('more than is held in memory at once', async () => {
  writeFileSync(path('large'), Buffer.alloc(17 * 1024 * 1024))
  expect(await place.ship('v11')).toMatchObject({ code: 0 })
  writeFileSync(path('large'), randomBytes(5_000))
  expect(await publishNote('v12')).toContain('not as differences: it is more than 16 MiB')
})
