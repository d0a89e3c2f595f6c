import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  appendVersion,
  latestVersion,
  startVersions,
  type Version,
  type VersionPlace,
} from '../../../src/adapters/directory/versions.js'

let place: VersionPlace
beforeEach(async () => {
  place = { directory: await mkdtemp(join(tmpdir(), 'deliver-versions-')), name: 'd' }
  await startVersions(place, 0, '')
})
afterEach(async () => {
  await rm(place.directory, { recursive: true })
})

async function append(base: Version, text: string): Promise<Version> {
  const version = await appendVersion(place, base, text)
  if (version === 'taken') throw new Error('taken')
  return version
}

async function latest(): Promise<Version> {
  const version = await latestVersion(place)
  if (version === undefined) throw new Error('no version')
  return version
}

it('counts on, and refuses a number that is taken', async () => {
  const start = await latest()
  const one = await append(start, 'one')
  expect(await appendVersion(place, start, 'other')).toBe('taken')
  expect(await latest()).toEqual(one)
  expect((await append(one, 'two')).n).toBe(2)
})

it('does not let a writer that was suspended between read and write claim a number that is free again', async () => {
  const seen = await latest()
  let version = seen
  for (const text of ['a', 'b', 'c']) version = await append(version, text)
  await Promise.all([0, 1].map((n) => rm(join(place.directory, `d.${n}`))))
  await expect(appendVersion(place, seen, 'late')).rejects.toMatchObject({ kind: 'failed' })
  expect((await latest()).text).toBe('c')
  expect((await readdir(place.directory)).sort()).toEqual(['d.2', 'd.3'])
})

it('is not fooled by a number that came back with other contents', async () => {
  const seen = await latest()
  let version = seen
  for (const text of ['a', 'b', 'c']) version = await append(version, text)
  await Promise.all([0, 1].map((n) => rm(join(place.directory, `d.${n}`))))
  await startVersions(place, 0, '')
  await expect(appendVersion(place, seen, 'late')).rejects.toMatchObject({ kind: 'failed' })
})

it('tells documents apart whose names begin alike', async () => {
  await startVersions({ ...place, name: 'd.1' }, 1, 'other')
  expect((await latest()).n).toBe(0)
  expect((await latestVersion({ ...place, name: 'd.1' }))?.text).toBe('other')
})
