import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DependencyTree, walkDependencies } from '../../src/build/dependencies.js'
import { defaultDepsPaths, plainDepsPaths } from '../../src/build/deps-paths.js'
import { errorOf, showPath } from '../../src/build/findings.js'
import { type Files, scratchDirectory, write } from './repository.js'

function directoryOf(files: Files): string {
  const root = scratchDirectory()
  write(root, files)
  return root
}

function errors(tree: DependencyTree): string[] {
  return found(tree, 'error')
}

function found(tree: DependencyTree, severity: string): string[] {
  const findings = tree.findings.filter((finding) => finding.severity === severity)
  return findings.map((finding) => `${showPath(finding.path)}: ${finding.because}`)
}

describe('walkDependencies', () => {
  it('finds files and links, in the order of their bytes', async () => {
    const root = directoryOf({ 'deps/b': 'b', 'deps/a/x': 'xx', 'deps/a-b': 'c', 'other/y': 'y' })
    chmodSync(join(root, 'deps/b'), 0o711)
    chmodSync(join(root, 'deps/a-b'), 0o655)
    symlinkSync('../other/y', join(root, 'deps/link'))
    writeFileSync(Buffer.concat([Buffer.from(`${root}/deps/`), Buffer.from([0xff, 0xfe])]), '')
    const tree = await walkDependencies(root, ['deps'])
    expect(tree.findings).toEqual([])
    expect(tree.entries.map((entry) => ({ ...entry, path: entry.path.toString('latin1') }))).toEqual([
      { type: 'file', path: 'deps/a/x', executable: false, size: 2 },
      { type: 'file', path: 'deps/a-b', executable: false, size: 1 },
      { type: 'file', path: 'deps/b', executable: true, size: 1 },
      { type: 'link', path: 'deps/link', target: Buffer.from('../other/y') },
      { type: 'file', path: 'deps/\xff\xfe', executable: false, size: 0 },
    ])
  })

  it('tells all problems of all paths at once', async () => {
    const root = directoryOf({ 'deps/a/.git/HEAD': 'x', 'deps/b/.GIT': 'gitdir: x', 'single.js': 'x' })
    execFileSync('mkfifo', [join(root, 'deps/pipe')])
    symlinkSync('../../..', join(root, 'deps/out'))
    symlinkSync(join(root, 'deps/a'), join(root, 'deps/absolute'))
    symlinkSync('deps', join(root, 'alias'))
    mkdirSync(join(root, 'empty/below'), { recursive: true })
    const tree = await walkDependencies(root, ['alias', 'alias/a', 'deps', 'empty', 'missing', 'single.js'])
    expect(errors(tree)).toEqual([
      'alias: build.deps names it, but it is a symlink. Name where it leads to',
      'alias/a: is below alias, a symlink. Name where it leads to',
      expect.stringMatching(/^deps\/a\/\.git: a repository of its own/),
      `deps/absolute: links to ${root}/deps/a, which is in this checkout and on no host. Make the link relative`,
      expect.stringMatching(/^deps\/b\/\.GIT: a repository of its own/),
      'deps/out: links to ../../.., outside of the release',
      "deps/pipe: a named pipe, which git can't hold",
      'empty: build.deps names it, but there is nothing in it',
      'missing: build.deps names it, but there is no such file or directory',
    ])
    expect(tree.entries.map((entry) => entry.path.toString())).toEqual(['single.js'])
    expect(errorOf(tree.findings)).toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(/9 problems/) as string,
    })
  })

  it('warns of what is lost without harm', async () => {
    const root = directoryOf({ 'deps/setuid': 'x', 'deps/a': 'a' })
    chmodSync(join(root, 'deps/setuid'), 0o4755)
    mkdirSync(join(root, 'deps/empty'))
    symlinkSync('/usr/bin/python3', join(root, 'deps/python3'))
    symlinkSync(`${root}-other/x`, join(root, 'deps/sibling'))
    const server = createServer().listen(join(root, 'deps/socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    const tree = await walkDependencies(root, ['deps'])
    server.close()
    expect(errors(tree)).toEqual([])
    expect(found(tree, 'warning')).toEqual([
      'deps/empty: an empty directory, which git leaves out',
      'deps/python3: links to /usr/bin/python3, which each host must have',
      'deps/setuid: set-user-ID or set-group-ID, which a release does not keep',
      `deps/sibling: links to ${root}-other/x, which each host must have`,
      'deps/socket: a socket, left out',
    ])
    expect(errorOf(tree.findings)).toBeUndefined()
  })

  it.each([
    ['deps/a/link', '../../inside', true],
    ['deps/a/link', '../../../outside', false],
    ['deps/link', '..', true],
    ['deps/link', '../..', false],
    ['deps/link', '../x/../../y', false],
    ['deps/link', 'nowhere', true],
    ['deps/link', '..evil', true],
  ])('takes %s to %s: %s', async (path, target, taken) => {
    const root = directoryOf({ 'deps/a/file': 'x' })
    symlinkSync(target, join(root, path))
    expect(errors(await walkDependencies(root, ['deps'])).length).toBe(taken ? 0 : 1)
  })

  it('names files that it may not read', async () => {
    if (process.getuid?.() === 0) return
    const root = directoryOf({ 'deps/secret': 'x', 'deps/closed/x': 'x' })
    chmodSync(join(root, 'deps/secret'), 0)
    chmodSync(join(root, 'deps/closed'), 0)
    const tree = await walkDependencies(root, ['deps'])
    chmodSync(join(root, 'deps/closed'), 0o755)
    expect(errors(tree)).toEqual(["deps/closed: can't be read (EACCES)", "deps/secret: can't be read"])
  })
})

describe('plainDepsPaths', () => {
  it.each([
    [['node_modules'], ['node_modules']],
    [
      ['./dist/', 'a//b/.'],
      ['a/b', 'dist'],
    ],
    [
      ['a', 'a/b', 'a-b', 'a'],
      ['a', 'a-b'],
    ],
    [[], []],
  ])('of %j are %j', (paths, plain) => {
    expect(plainDepsPaths(paths)).toEqual(plain)
  })

  it.each(['', '.', '/abs', '../up', 'a/../b', '.git', 'x/.GIT/y', 'a\nb'])('refuses %j', (path) => {
    expect(() => plainDepsPaths(['ok', path])).toThrow(/^build\.deps\[1\]: /)
  })
})

describe('defaultDepsPaths', () => {
  it.each([
    [{}, []],
    [{ 'package.json': '{}' }, []],
    [{ 'package.json': '{"dependencies":{}, "devDependencies":{"a":"1"}}' }, []],
    [{ 'package.json': '{"dependencies":{"a":"1"}}' }, ['node_modules']],
    [{ 'package.json': '{"optionalDependencies":{"a":"1"}}' }, ['node_modules']],
    [{ 'package.json': 'null' }, []],
  ])('for %j are %j', async (files, paths) => {
    expect(await defaultDepsPaths(directoryOf(files))).toEqual(paths)
  })

  it('is an error for a package.json that is not JSON', async () => {
    await expect(defaultDepsPaths(directoryOf({ 'package.json': '{' }))).rejects.toThrow(/not JSON/)
  })
})
