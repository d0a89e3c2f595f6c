import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import type { Git } from '../../src/ports.js'
import {
  appRepository,
  commit,
  fingerprint,
  git,
  gitBytes,
  recorder,
  scratchDirectory,
  tree,
  write,
} from './repository.js'

describe('commitDependencies', () => {
  it('commits the dependencies byte for byte, with exec bits and links', async () => {
    const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const directory = appRepository(
      {},
      {
        'node_modules/a/data.bin': binary,
        'node_modules/a/crlf.txt': 'one\r\ntwo\n',
        'node_modules/a/empty': '',
        'node_modules/a/run.sh': '#!/bin/sh\n',
        'node_modules/a/sp ace\n"q"\\\t': 'odd',
        'node_modules/ünï/ö': 'unicode',
      },
    )
    chmodSync(join(directory, 'node_modules/a/run.sh'), 0o755)
    mkdirSync(join(directory, 'node_modules/.bin'))
    symlinkSync('../a/run.sh', join(directory, 'node_modules/.bin/run'))
    const latin = Buffer.concat([Buffer.from(`${directory}/node_modules/a/`), Buffer.from([0xff, 0xfe])])
    writeFileSync(latin, 'bytes')

    const result = await commit(directory)

    expect(result).toMatchObject({
      outcome: 'created',
      files: 8,
      source: git(directory, 'rev-parse', 'HEAD'),
    })
    expect(git(directory, 'rev-parse', 'r1')).toBe(result.commit)
    const names = gitBytes(directory, 'ls-tree', '-r', '-z', 'r1', 'node_modules').toString('latin1')
    expect(names).toContain('node_modules/a/\xff\xfe\0')
    expect(names).toContain('node_modules/a/sp ace\n"q"\\\t\0')
    expect(names).toMatch(/100755 blob \w+\tnode_modules\/a\/run\.sh/)
    expect(names).toMatch(/120000 blob \w+\tnode_modules\/\.bin\/run/)
    expect(gitBytes(directory, 'cat-file', 'blob', 'r1:node_modules/a/data.bin')).toEqual(binary)
    expect(gitBytes(directory, 'cat-file', 'blob', 'r1:node_modules/a/crlf.txt').toString()).toBe(
      'one\r\ntwo\n',
    )
    expect(gitBytes(directory, 'cat-file', 'blob', 'r1:node_modules/.bin/run').toString()).toBe('../a/run.sh')
    expect(git(directory, 'fsck', '--strict', '--no-dangling')).toBe('')
  })

  it('leaves HEAD, branches, index, work tree and configuration as they are', async () => {
    const directory = appRepository()
    write(directory, { 'server.js': 'staged\n' })
    git(directory, 'add', 'server.js')
    const except = (path: string): boolean => /^\.git\/(deliver|objects\/pack|refs\/tags\/r1)/.test(path)
    const before = fingerprint(directory, except)
    await commit(directory, 'r1', { allowDirty: true })
    expect(fingerprint(directory, except)).toEqual(before)
    expect(git(directory, 'for-each-ref', '--format=%(refname)').split('\n')).toEqual([
      'refs/heads/main',
      'refs/tags/r1',
    ])
    expect(readdirSync(join(directory, '.git/deliver')).sort()).toEqual(['builds.jsonl', 'lock'])
    expect(readdirSync(join(directory, '.git/deliver/lock'))).toEqual([])
  })

  it('gives the same commit for the same build, wherever it is made', async () => {
    const [one, two] = [appRepository(), appRepository()]
    const [first, second] = [await commit(one), await commit(two)]
    expect(second.commit).toBe(first.commit)
  })

  it('says where a build came from', async () => {
    const directory = appRepository()
    const { source } = await commit(directory, 'r1', { branch: 'feature/x\nDeliver-Release: evil' })
    const message = git(directory, 'log', '-1', '--format=%an <%ae> %ct%n%B', 'r1')
    expect(message.split('\n')).toEqual([
      'deliver <deliver@localhost> 1706933106',
      'Release r1 with its dependencies',
      '',
      'Deliver-Release: r1',
      `Deliver-Source: ${source}`,
      'Deliver-Branch: feature/x Deliver-Release: evil',
      'Deliver-Directory: ""',
      'Deliver-Deps: ["node_modules"]',
    ])
  })

  it('replaces what the commit has at a deps path', async () => {
    const directory = appRepository({ 'dist/old.js': 'old', 'dist/keep.js': 'same' }, {})
    unlinkSync(join(directory, 'dist/old.js'))
    write(directory, { 'dist/new.js': 'new' })
    await commit(directory, 'r1', { deps: ['./dist/'] })
    expect(git(directory, 'ls-tree', '-r', '--name-only', 'r1', 'dist').split('\n')).toEqual([
      'dist/keep.js',
      'dist/new.js',
    ])
  })

  it('commits without any dependencies', async () => {
    const directory = appRepository()
    const result = await commit(directory, 'r1', { deps: [] })
    expect(git(directory, 'rev-parse', 'r1^{tree}')).toBe(git(directory, 'rev-parse', 'HEAD^{tree}'))
    expect(result.files).toBe(0)
  })

  it('stores content that it has already stored only once', async () => {
    const { randomBytes } = await import('node:crypto')
    const directory = appRepository({}, { 'node_modules/big': randomBytes(1_000_000) })
    await commit(directory)
    write(directory, { 'node_modules/small': 'new' })
    await commit(directory, 'r2')
    const sizes = git(directory, 'count-objects', '-v')
      .split('\n')
      .find((line) => line.startsWith('size-pack'))
    expect(Number(sizes?.split(' ')[1])).toBeLessThan(1_100)
  })
})

describe('a tag that exists', () => {
  it('is left alone for the same build', async () => {
    const directory = appRepository()
    const first = await commit(directory)
    expect(await commit(directory)).toMatchObject({ outcome: 'unchanged', commit: first.commit })
  })

  it.each([
    [
      'other dependencies',
      { 'node_modules/left/index.js': 'changed' },
      /same commit with other dependencies/,
    ],
  ])('is not moved to %s', async (_, files, message) => {
    const directory = appRepository()
    const first = await commit(directory)
    write(directory, files)
    await expect(commit(directory)).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(message) as string,
    })
    expect(git(directory, 'rev-parse', 'r1')).toBe(first.commit)
    expect(await commit(directory, 'r1', { force: true })).toMatchObject({ outcome: 'moved' })
    expect(git(directory, 'rev-parse', 'r1')).not.toBe(first.commit)
  })

  it('is not moved to another commit', async () => {
    const directory = appRepository()
    await commit(directory)
    git(directory, 'commit', '-q', '--allow-empty', '-m', 'Next')
    await expect(commit(directory)).rejects.toMatchObject({
      message: expect.stringMatching(/another commit/) as string,
    })
  })

  it.each([[false], [true]])("is never moved when it is somebody else's (force: %s)", async (force) => {
    const directory = appRepository()
    git(directory, 'tag', '-a', '-m', 'Ours', 'v1.0.0')
    const before = git(directory, 'rev-parse', 'v1.0.0')
    await expect(commit(directory, 'v1.0.0', { force })).rejects.toMatchObject({
      kind: 'precondition',
      fix: expect.stringMatching(/v1\.0\.0-prebuilt/) as string,
    })
    expect(git(directory, 'rev-parse', 'v1.0.0')).toBe(before)
  })

  it('is not taken from somebody who sets it at the same time', async () => {
    const directory = appRepository()
    const real = await openGit(directory)
    const racing: Git = {
      ...real,
      importCommit: async (...args) => {
        const id = await real.importCommit(...args)
        git(directory, 'tag', 'r1', 'HEAD')
        return id
      },
    }
    await expect(commit(directory, 'r1', { git: racing, force: true })).rejects.toThrow(
      /changed by somebody else/,
    )
    expect(git(directory, 'rev-parse', 'r1')).toBe(git(directory, 'rev-parse', 'HEAD'))
  })
})

describe('a work tree that is not as committed', () => {
  it('is refused, naming the files', async () => {
    const directory = appRepository({ 'docs/ä b.md': 'x' })
    write(directory, { 'server.js': 'changed', 'docs/ä b.md': 'changed' })
    await expect(commit(directory)).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(/docs\/ä b\.md, server\.js: not as in the commit/) as string,
    })
    expect(git(directory, 'tag')).toBe('')
  })

  it('is taken as committed with allowDirty', async () => {
    const directory = appRepository()
    write(directory, { 'server.js': 'changed' })
    const reporter = recorder()
    await commit(directory, 'r1', { allowDirty: true, reporter })
    expect(git(directory, 'show', 'r1:server.js')).toBe('require("left")')
    expect(reporter.warnings().join()).toMatch(/server\.js/)
  })

  it('may have untracked files, which are counted', async () => {
    const directory = appRepository()
    write(directory, { 'notes.txt': 'x', 'more/a': '1', 'more/b': '2' })
    const reporter = recorder()
    await commit(directory, 'r1', { reporter })
    expect(reporter.warnings()).toEqual(['2 untracked files or directories are not in the release'])
    unlinkSync(join(directory, 'notes.txt'))
    const again = recorder()
    await commit(directory, 'r2', { reporter: again })
    expect(again.warnings()).toEqual(['1 untracked file or directory is not in the release'])
  })

  it('may differ below the deps paths', async () => {
    const directory = appRepository(
      { 'dist/a.js': 'committed' },
      { 'dist/a.js': 'built', 'dist/b.js': 'built' },
    )
    const reporter = recorder()
    await commit(directory, 'r1', { deps: ['dist'], reporter })
    expect(reporter.warnings()).toEqual([])
    expect(git(directory, 'show', 'r1:dist/a.js')).toBe('built')
  })

  it('is not confused by a sparse checkout', async () => {
    const directory = appRepository({ 'big/data': 'x', 'src/a': 'y' })
    git(directory, 'sparse-checkout', 'set', 'src')
    write(directory, { 'node_modules/left/index.js': 'left\n' })
    await commit(directory)
    expect(tree(directory, 'r1').join()).toMatch(/big\/data/)
  })
})

describe('what git or a host can not hold', () => {
  it('refuses submodules', async () => {
    const library = appRepository()
    const directory = appRepository()
    git(directory, 'submodule', '--quiet', 'add', library, 'vendor/lib')
    git(directory, 'commit', '-q', '-m', 'Add a submodule')
    await expect(commit(directory)).rejects.toThrow(/vendor\/lib: a submodule/)
  })

  it('refuses broken dependencies before anything is written', async () => {
    const directory = appRepository({}, { 'node_modules/a/.git/HEAD': 'x', 'node_modules/ok': 'x' })
    symlinkSync('../../outside', join(directory, 'node_modules/escape'))
    const before = fingerprint(directory)
    await expect(commit(directory)).rejects.toThrow(
      /2 problems:\n {2}node_modules\/a\/\.git: .*\n {2}node_modules\/escape: links/,
    )
    expect(fingerprint(directory)).toEqual(before)
  })

  it.each([
    ['shrank', (path: string) => writeFileSync(path, 's')],
    ['grew', (path: string) => writeFileSync(path, 'x'.repeat(100_000))],
    ["can't be opened", (path: string) => unlinkSync(path)],
  ])('refuses a file that %s while it is read, and leaves nothing', async (message, change) => {
    const directory = appRepository()
    const real = await openGit(directory)
    const racing: Git = {
      ...real,
      importCommit: (...args) => {
        change(join(directory, 'node_modules/left/index.js'))
        return real.importCommit(...args)
      },
    }
    await expect(commit(directory, 'r1', { git: racing })).rejects.toThrow(message)
    expect(git(directory, 'tag')).toBe('')
    expect(readdirSync(join(directory, '.git/objects/pack'))).toEqual([])
    expect(readdirSync(join(directory, '.git/deliver'))).toEqual(['lock'])
    expect(readdirSync(join(directory, '.git')).filter((name) => name.startsWith('fast_import'))).toEqual([])
  })

  it('refuses an unsafe name', async () => {
    await expect(commit(appRepository(), '../evil')).rejects.toMatchObject({ kind: 'usage' })
  })

  it('stops when it is interrupted', async () => {
    const directory = appRepository()
    const abort = new AbortController()
    abort.abort()
    await expect(commit(directory, 'r1', { signal: abort.signal })).rejects.toThrow()
    expect(git(directory, 'tag')).toBe('')
  })
})

describe('repositories of all kinds', () => {
  it('takes sha256', async () => {
    const directory = appRepository({}, undefined, '--object-format=sha256')
    const { commit: id } = await commit(directory)
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(git(directory, 'rev-parse', 'r1')).toBe(id)
  })

  it('takes the root of the release from the directory', async () => {
    const directory = appRepository({ 'apps/api/index.js': 'api', 'apps/web/index.js': 'web' }, {})
    write(directory, { 'apps/api/node_modules/a': 'a', 'apps/web/index.js': 'dirty' })
    await commit(join(directory, 'apps/api'))
    const names = tree(directory, 'r1').map((line) => line.split('\t')[1])
    expect(names).toContain('apps/api/node_modules/a')
    expect(names).toContain('server.js')
  })

  it('takes a shallow clone', async () => {
    const origin = appRepository()
    git(origin, 'commit', '-q', '--allow-empty', '-m', 'Next')
    const parent = scratchDirectory()
    git(parent, 'clone', '-q', '--depth=1', `file://${origin}`, 'clone')
    write(join(parent, 'clone'), { 'node_modules/a': 'a' })
    expect(await commit(join(parent, 'clone'))).toMatchObject({ outcome: 'created' })
  })

  it('takes a linked work tree and a detached HEAD', async () => {
    const directory = appRepository()
    const parent = scratchDirectory()
    git(directory, 'worktree', 'add', '-q', '--detach', join(parent, 'tree'))
    write(join(parent, 'tree'), { 'node_modules/a': 'a' })
    await commit(join(parent, 'tree'))
    expect(git(directory, 'ls-tree', '-r', '--name-only', 'r1', 'node_modules')).toBe('node_modules/a')
  })

  it('takes a clone that borrows its objects', async () => {
    const origin = appRepository()
    const parent = scratchDirectory()
    git(parent, 'clone', '-q', '--shared', origin, 'cl"one')
    write(join(parent, 'cl"one'), { 'node_modules/a': 'a' })
    expect(await commit(join(parent, 'cl"one'))).toMatchObject({ outcome: 'created' })
  })

  it('takes the checkout of a submodule', async () => {
    const library = appRepository()
    const directory = appRepository()
    git(directory, 'submodule', '--quiet', 'add', library, 'lib')
    write(join(directory, 'lib'), { 'node_modules/a': 'a' })
    await commit(join(directory, 'lib'))
    expect(git(join(directory, 'lib'), 'tag')).toBe('r1')
    expect(git(directory, 'tag')).toBe('')
  })

  it('is not led astray by attributes, filters, hooks or end-of-line settings', async () => {
    const directory = appRepository(
      { '.gitattributes': '* text=auto eol=crlf\nnode_modules/** filter=break\n' },
      {
        'node_modules/a/.gitattributes': '* text eol=lf ident\n',
        'node_modules/a/x': 'a\r\n$Id$\r\n',
        'server.js': 'require("left")\r\n',
      },
    )
    for (const [name, value] of [
      ['core.autocrlf', 'true'],
      ['filter.break.clean', 'false'],
      ['filter.break.required', 'true'],
      ['core.hooksPath', '/nonexistent'],
      ['commit.gpgSign', 'true'],
      ['core.quotePath', 'true'],
    ] as const) {
      git(directory, 'config', name, value)
    }
    await commit(directory, 'r1', { allowDirty: true })
    expect(gitBytes(directory, 'cat-file', 'blob', 'r1:node_modules/a/x').toString()).toBe('a\r\n$Id$\r\n')
  })

  it('reads the commit itself where a replacement is in place', async () => {
    const directory = appRepository()
    const head = git(directory, 'rev-parse', 'HEAD')
    const other = git(directory, 'commit-tree', '-m', 'Another', 'HEAD^{tree}')
    git(directory, 'replace', head, other)
    await commit(directory)
    expect(git(directory, '--no-replace-objects', 'log', '-1', '--format=%P', 'r1')).toBe(head)
  })

  it('is not turned to another repository by the environment', async () => {
    const directory = appRepository()
    const other = appRepository({ other: 'x' })
    const saved = { ...process.env }
    try {
      delete process.env['HOME']
      process.env['GIT_DIR'] = join(other, '.git')
      process.env['GIT_WORK_TREE'] = other
      process.env['GIT_INDEX_FILE'] = '/nonexistent/index'
      process.env['GIT_CONFIG_COUNT'] = '1'
      process.env['GIT_CONFIG_KEY_0'] = 'core.bare'
      process.env['GIT_CONFIG_VALUE_0'] = 'true'
      await commit(directory)
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name]
      Object.assign(process.env, saved)
    }
    expect(git(directory, 'tag')).toBe('r1')
    expect(git(other, 'tag')).toBe('')
  })
})

describe('two at once in one clone', () => {
  it('take turns, and both succeed', async () => {
    const directory = appRepository()
    const results = await Promise.all(['a', 'b', 'c', 'd'].map((name) => commit(directory, name)))
    expect(results.map((result) => result.outcome)).toEqual(['created', 'created', 'created', 'created'])
    const same = await Promise.all([commit(directory, 'e'), commit(directory, 'e')])
    expect(same.map((result) => result.outcome).sort()).toEqual(['created', 'unchanged'])
    expect(
      readFileSync(join(directory, '.git/deliver/builds.jsonl'), 'utf8').trim().split('\n'),
    ).toHaveLength(5)
  })
})
