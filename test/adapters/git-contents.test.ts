import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { appRepository, git } from '../build/repository.js'

const odd = ' -n "$(id)"'
const bytes = Buffer.from([0, 10, 255, 10, 0])

async function clone() {
  const directory = appRepository({
    'apps/api/a': 'first\n',
    [`apps/api/${odd}`]: 'odd',
    'apps/api/empty': '',
  })
  writeFileSync(join(directory, 'apps/api/bytes'), bytes)
  mkdirSync(join(directory, 'apps/api/dir'))
  writeFileSync(join(directory, 'apps/api/dir/new\nline'), 'x')
  git(directory, 'add', '-A')
  git(directory, 'commit', '-qm', 'all')
  const commit = git(directory, 'rev-parse', 'HEAD').trim()
  return { opened: await openGit(join(directory, 'apps/api')), commit }
}

const paths = (...names: readonly string[]): readonly Buffer[] => names.map((name) => Buffer.from(name))

test('files of a commit, in the order that was asked for', async () => {
  const { opened, commit } = await clone()
  const found = await opened.contents(commit, paths('bytes', 'empty', odd, 'a', 'a'), 1000)
  expect(found).toEqual([bytes, Buffer.alloc(0), Buffer.from('odd'), ...paths('first\n', 'first\n')])
  expect(await opened.contents(commit, [], 0)).toEqual([])
})

test.each([
  ['a file that is not there', paths('a', 'none')],
  ['a directory', paths('dir')],
  ['a name that git would cut', paths('dir/new\nline')],
  ['what is above', paths('../api/a/x')],
])('%s: refused', async (_, wanted) => {
  const { opened, commit } = await clone()
  await expect(opened.contents(commit, wanted, 1000)).rejects.toThrow(/can't be read/)
})

test('a commit that the clone lacks, and more than was asked for: refused', async () => {
  const { opened, commit } = await clone()
  await expect(opened.contents('0'.repeat(40), paths('a'), 1000)).rejects.toThrow(/can't be read: 0+:/)
  const many = paths(...Array.from({ length: 50 }, () => 'a'))
  await expect(opened.contents(commit, many, 10_000)).resolves.toHaveLength(50)
  writeFileSync(join(opened.location.directory, 'large'), Buffer.alloc(200_000, 'l'))
  git(opened.location.directory, 'add', '-A')
  git(opened.location.directory, 'commit', '-qm', 'large')
  const large = git(opened.location.directory, 'rev-parse', 'HEAD').trim()
  await expect(opened.contents(large, paths('large'), 100_000)).rejects.toThrow(/too large/)
})
