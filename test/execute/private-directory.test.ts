import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makePrivateDirectory } from '../../src/execute/private-directory.js'

const day = 24 * 60 * 60_000
let parent: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'private-directory-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

test('nobody else can read it', async () => {
  const made = await makePrivateDirectory(Date.now(), parent)
  expect((await stat(made)).mode & 0o777).toBe(0o700)
})

test('what killed deploys left goes after a day; what is younger, or not ours, stays', async () => {
  const now = Date.now()
  const old = await makePrivateDirectory(now, parent)
  await writeFile(join(old, 'archive'), 'x')
  const young = await makePrivateDirectory(now, parent)
  await writeFile(join(parent, 'deliver-notes'), 'x')
  await utimes(old, new Date(now - 2 * day), new Date(now - 2 * day))
  await utimes(join(parent, 'deliver-notes'), new Date(now - 2 * day), new Date(now - 2 * day))

  const made = await makePrivateDirectory(now, parent)
  expect((await readdir(parent)).sort()).toEqual(['deliver-notes', basename(young), basename(made)].sort())
})

test('what a process that is gone left goes at once; that of a living one, or of another machine, stays', async () => {
  const mine = await makePrivateDirectory(Date.now(), parent)
  const [, mark] = /^deliver-release-(\w+)-/.exec(basename(mine)) ?? []
  const { pid: dead } = spawnSync('true')
  const left = (machine: string, pid: number) => join(parent, `deliver-release-${machine}-${pid}-abcdef`)
  const elsewhere = left('0123456789ab', dead)
  const living = left(String(mark), process.ppid)
  for (const path of [left(String(mark), dead), elsewhere, living]) await mkdir(path)
  const made = await makePrivateDirectory(Date.now(), parent)
  expect((await readdir(parent)).sort()).toEqual(
    [mine, elsewhere, living, made].map((path) => basename(path)).sort(),
  )
})

test('a directory that cannot be listed is no reason to fail', async () => {
  await expect(makePrivateDirectory(Date.now(), join(parent, 'missing'))).rejects.toThrow(/ENOENT/)
  await writeFile(join(parent, 'deliver-release-file'), 'x')
  await expect(makePrivateDirectory(Date.now(), parent)).resolves.toContain('deliver-release-')
})
