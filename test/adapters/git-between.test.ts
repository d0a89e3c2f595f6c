import { describe, expect, it } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { appRepository, git, scratchDirectory } from '../build/repository.js'
import { join } from 'node:path'

const commit = (directory: string, subject: string): string => {
  git(directory, 'commit', '-q', '--allow-empty', '-m', subject)
  return git(directory, 'rev-parse', 'HEAD')
}

describe('the commits between two releases', () => {
  it('are what one has and the other has not, newest first', async () => {
    const directory = appRepository()
    const old = git(directory, 'rev-parse', 'HEAD')
    commit(directory, 'One')
    commit(directory, 'Zwei ü \u001b[31m --flag')
    const now = commit(directory, 'Three')
    const opened = await openGit(directory)
    const found = await opened.between(old, now, 2)
    expect(found?.count).toBe(3)
    expect(found?.commits.map(({ subject }) => subject)).toEqual(['Three', 'Zwei ü \u001b[31m --flag'])
    expect(found?.commits[0]).toMatchObject({ id: now, author: 'Author' })
    expect(found?.commits[0]?.time).toBeGreaterThan(0)
    expect(await opened.between(now, old, 9)).toEqual({ count: 0, commits: [] })
    expect(await opened.between(now, now, 9)).toEqual({ count: 0, commits: [] })
  })

  it('are unknown where a commit is missing', async () => {
    const directory = appRepository()
    const old = git(directory, 'rev-parse', 'HEAD')
    const now = commit(directory, 'New')
    const clone = join(scratchDirectory(), 'clone')
    git(directory, 'clone', '-q', '--depth=1', `file://${directory}`, clone)
    const shallow = await openGit(clone)
    expect(await shallow.between(old, now, 9)).toBeUndefined()
    expect(await shallow.between('0'.repeat(40), now, 9)).toBeUndefined()
  })

  it('are asked for by full ids alone', async () => {
    const opened = await openGit(appRepository())
    await expect(async () => opened.between('--output=/tmp/x', 'HEAD', 9)).rejects.toThrow(/full object id/)
  })
})
