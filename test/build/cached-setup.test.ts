import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { cachedSetup, type CachedSetupRequest } from '../../src/build/cached-setup.js'
import { cleanBuilds } from '../../src/build/clean.js'
import {
  appRepository,
  commit,
  type Files,
  git,
  realClock,
  recorder,
  scratchDirectory,
  write,
} from './repository.js'

const lock = (version: string, more = {}): string =>
  JSON.stringify({
    lockfileVersion: 3,
    version: '1.0.0',
    packages: { '': { version: '1.0.0' }, 'node_modules/left': { version, ...more } },
  })

/** What the pretended installer puts into node_modules; a package has what its lockfile says. */
const npm = `#!/bin/sh
echo run >> "$RUNS"
rm -rf node_modules
mkdir -p node_modules/.bin node_modules/left/empty/below node_modules/odd
cat package-lock.json > node_modules/left/index.js
printf 'a\\r\\nb\\n$Id$\\n' > node_modules/left/crlf.txt
printf '* text eol=lf ident\\n*.txt export-ignore\\n' > node_modules/left/.gitattributes
printf '{"name":"left","scripts":{"install":"%s"}}' "$SCRIPT" > node_modules/left/package.json
printf '#!/bin/sh\\n' > node_modules/left/run; chmod 755 node_modules/left/run
ln -s ../left/run node_modules/.bin/run
printf x > "node_modules/odd/sp ace
\\"q\\"\\\\"
printf y > "$(printf 'node_modules/odd/\\377\\376')"
: > node_modules/odd/nothing
[ -z "$THEN" ] || eval "$THEN"
`

class Builder {
  readonly bin = scratchDirectory()
  readonly runsFile = join(this.bin, 'runs')
  env: Record<string, string | undefined> = {}

  constructor(readonly directory: string) {
    writeFileSync(join(this.bin, 'npm'), npm, { mode: 0o755 })
  }

  static create(files: Files = {}, ...init: string[]): Builder {
    return new Builder(appRepository({ 'package-lock.json': lock('1.0.0'), ...files }, {}, ...init))
  }

  /** What became of it, and what it warned of. */
  async setup(options: { build?: Partial<CachedSetupRequest['build']>; directory?: string } = {}): Promise<{
    outcome: string
    warnings: string[]
    notes: string
  }> {
    const reporter = recorder()
    const { outcome } = await cachedSetup({
      directory: options.directory ?? this.directory,
      build: { env: {}, timeout: 20_000, cache: { kind: 'auto' }, ...options.build },
      env: {
        HOME: this.bin,
        PATH: `${this.bin}:${process.env['PATH'] ?? ''}`,
        RUNS: this.runsFile,
        ...this.env,
      },
      reporter,
      git: await openGit(options.directory ?? this.directory),
      clock: realClock,
      keyEnv: options.build?.env ?? {},
    })
    const notes = reporter.events.flatMap((event) => (event.type === 'note' ? [event.text] : []))
    return { outcome, warnings: reporter.warnings(), notes: notes.join('\n') }
  }

  async outcome(build: Partial<CachedSetupRequest['build']> = {}): Promise<string> {
    return (await this.setup({ build })).outcome
  }

  get runs(): number {
    return existsSync(this.runsFile) ? readFileSync(this.runsFile, 'utf8').split('\n').length - 1 : 0
  }

  at(path: string): string {
    return join(this.directory, path)
  }

  forget(): void {
    rmSync(this.at('node_modules'), { recursive: true, force: true })
  }
}

/** Kind, exec bit and content of all below a directory, the empty ones too; names as bytes. */
function contents(directory: string): Record<string, string> {
  const result: Record<string, string> = {}
  const visit = (path: Buffer, name: string): void => {
    for (const each of readdirSync(path, { encoding: 'buffer' })) {
      const child = Buffer.concat([path, Buffer.from('/'), each])
      const key = `${name}/${each.toString('latin1')}`
      const stats = lstatSync(child)
      if (stats.isDirectory()) {
        result[`${key}/`] = 'directory'
        visit(child, key)
      } else if (stats.isSymbolicLink()) result[key] = `-> ${readlinkSync(child)}`
      else result[key] = `${(stats.mode & 0o111).toString(8)} ${readFileSync(child).toString('latin1')}`
    }
  }
  visit(Buffer.from(directory), '')
  return result
}

describe('what setup made', () => {
  it.each([[[]], [['--object-format=sha256']]])('comes back byte for byte (%j)', async (init) => {
    const builder = Builder.create(
      { '.gitattributes': '* text=auto eol=crlf ident\nnode_modules/** filter=break\n' },
      ...init,
    )
    for (const [name, value] of [
      ['core.autocrlf', 'true'],
      ['filter.break.smudge', 'false'],
      ['filter.break.required', 'true'],
    ] as const)
      git(builder.directory, 'config', name, value)
    expect(await builder.outcome()).toBe('ran')
    const made = contents(builder.at('node_modules'))
    expect(Object.keys(made)).toHaveLength(14)
    builder.forget()
    expect(await builder.setup()).toMatchObject({ outcome: 'restored', warnings: [] })
    expect(contents(builder.at('node_modules'))).toEqual(made)
    expect(await builder.setup()).toMatchObject({ outcome: 'unchanged', warnings: [] })
    expect(builder.runs).toBe(1)
    expect(git(builder.directory, 'fsck', '--strict', '--no-dangling')).toBe('')
    expect(git(builder.directory, 'status', '--porcelain')).toBe('')
  })

  it.each<[string, (at: (path: string) => string) => void]>([
    ['a file is changed', (at) => writeFileSync(at('node_modules/left/index.js'), 'mine')],
    ['a file is gone', (at) => rmSync(at('node_modules/left/index.js'))],
    ['a file is new', (at) => writeFileSync(at('node_modules/left/new'), 'x')],
    ['an exec bit is lost', (at) => chmodSync(at('node_modules/left/run'), 0o644)],
    [
      'a link leads elsewhere',
      (at) => (rmSync(at('node_modules/.bin/run')), symlinkSync('/etc', at('node_modules/.bin/run'))),
    ],
    ['an empty directory is gone', (at) => rmSync(at('node_modules/left/empty'), { recursive: true })],
    ['an empty directory is new', (at) => mkdirSync(at('node_modules/left/more/below'), { recursive: true })],
    ['a directory is new', (at) => write(at('node_modules'), { 'more/below/file': 'x' })],
    [
      'a file is a directory',
      (at) => (rmSync(at('node_modules/left/run')), write(at('node_modules'), { 'left/run/x': 'x' })),
    ],
    [
      'a directory is a file',
      (at) => (
        rmSync(at('node_modules/odd'), { recursive: true }),
        writeFileSync(at('node_modules/odd'), 'x')
      ),
    ],
    [
      'a directory is a link to another',
      (at) => (
        renameSync(at('node_modules/odd'), at('node_modules/other')),
        symlinkSync('other', at('node_modules/odd'))
      ),
    ],
    ['there is what git can not hold', (at) => void execFileSync('mkfifo', [at('node_modules/pipe')])],
  ])('is made whole when %s', async (_, change) => {
    const builder = Builder.create()
    await builder.setup()
    const made = contents(builder.at('node_modules'))
    change((path) => builder.at(path))
    expect(await builder.outcome()).toBe('restored')
    expect(contents(builder.at('node_modules'))).toEqual(made)
    expect(builder.runs).toBe(1)
  })

  it('of an app that has none is not looked for, and nothing is said', async () => {
    const builder = Builder.create()
    builder.env = { THEN: 'rm -rf node_modules' }
    const { outcome, notes, warnings } = await builder.setup()
    expect(outcome).toBe('ran')
    expect(notes).not.toMatch(/not kept|not taken/)
    expect(warnings).toEqual([])
  })

  it('is not written through a hard link', async () => {
    const builder = Builder.create()
    await builder.setup()
    const store = join(builder.bin, 'store')
    writeFileSync(store, 'of another app')
    rmSync(builder.at('node_modules/left/index.js'))
    linkSync(store, builder.at('node_modules/left/index.js'))
    await builder.setup()
    expect(readFileSync(store, 'utf8')).toBe('of another app')
  })

  it('is committed without being read again, and is the same tree', async () => {
    const builder = Builder.create()
    await builder.setup()
    const { commit: first } = await commit(builder.directory, 'r1')
    rmSync(builder.at('.git/refs/deliver'), { recursive: true })
    expect((await commit(builder.directory, 'r1')).commit).toBe(first)
  })

  it('is shared by the work trees of a clone, and not by its apps', async () => {
    const builder = Builder.create({
      'apps/api/package.json': '{}',
      'apps/api/package-lock.json': lock('1.0.0'),
    })
    await builder.setup()
    const tree = join(scratchDirectory(), 'tree')
    git(builder.directory, 'worktree', 'add', '-q', '--detach', tree)
    expect((await builder.setup({ directory: tree })).outcome).toBe('restored')
    const api = { directory: join(tree, 'apps/api') }
    expect((await builder.setup(api)).outcome).toBe('ran')
    rmSync(join(tree, 'apps/api/node_modules'), { recursive: true })
    expect((await builder.setup(api)).outcome).toBe('restored')
    expect(contents(join(tree, 'apps/api/node_modules'))).toEqual(contents(join(tree, 'node_modules')))
  })

  it('is kept in a shallow clone without an identity', async () => {
    const origin = Builder.create()
    git(origin.directory, 'commit', '-q', '--allow-empty', '-m', 'Next')
    const clone = join(scratchDirectory(), 'clone')
    git(origin.directory, 'clone', '-q', '--depth=1', `file://${origin.directory}`, clone)
    const builder = new Builder(clone)
    expect(await builder.outcome()).toBe('ran')
    builder.forget()
    expect(await builder.outcome()).toBe('restored')
  })

  it('goes with clean, the longest unused first', async () => {
    const builder = Builder.create()
    const versions = ['1.0.0', '2.0.0', '3.0.0']
    for (const version of [...versions, '1.0.0']) {
      writeFileSync(builder.at('package-lock.json'), lock(version))
      await builder.setup()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const request = {
      git: await openGit(builder.directory),
      clock: realClock,
      reporter: recorder(),
      protect: [],
    }
    await cleanBuilds({ ...request, keep: 2 })
    expect(git(builder.directory, 'for-each-ref', 'refs/deliver').split('\n')).toHaveLength(2)
    builder.forget()
    for (const [version, outcome] of [
      ['1.0.0', 'restored'],
      ['3.0.0', 'restored'],
      ['2.0.0', 'ran'],
    ] as const) {
      writeFileSync(builder.at('package-lock.json'), lock(version))
      expect(await builder.outcome()).toBe(outcome)
    }
    expect(git(builder.directory, 'fsck', '--strict', '--no-dangling')).toBe('')
  })
})

describe('setup runs again when', () => {
  it.each<[string, (builder: Builder) => void]>([
    ['the lockfile changes', (b) => writeFileSync(b.at('package-lock.json'), lock('1.0.1'))],
    [
      'a dependency of package.json changes',
      (b) => writeFileSync(b.at('package.json'), '{"dependencies":{"left":"2"}}'),
    ],
    ['the settings of npm change', (b) => writeFileSync(b.at('.npmrc'), 'install-strategy=nested')],
    ['the user settings of npm change', (b) => writeFileSync(join(b.bin, '.npmrc'), 'omit=optional')],
    ['a setting of npm in the environment changes', (b) => void (b.env = { npm_config_omit: 'optional' })],
    ['NODE_ENV changes', (b) => void (b.env = { NODE_ENV: 'test' })],
    ['a compiler is chosen', (b) => void (b.env = { CXX: 'clang++' })],
    [
      'Node is another',
      (b) =>
        writeFileSync(join(b.bin, 'node'), '#!/bin/sh\necho \'["v99.0.0","999","linux","x64","other"]\'\n', {
          mode: 0o755,
        }),
    ],
    [
      'the installer is another version',
      (b) => writeFileSync(join(b.bin, 'package.json'), '{"name":"npm","version":"99.0.0"}'),
    ],
  ])('%s', async (_, change) => {
    const builder = Builder.create()
    expect(await builder.outcome()).toBe('ran')
    expect(await builder.outcome()).toBe('unchanged')
    change(builder)
    expect(await builder.outcome()).toBe('ran')
    expect(await builder.outcome()).toBe('unchanged')
  })

  it('build.env or the command changes', async () => {
    const builder = Builder.create()
    await builder.setup()
    expect(await builder.outcome({ env: { A: '1' } })).toBe('ran')
    expect(await builder.outcome({ env: { A: '2' } })).toBe('ran')
    expect(await builder.outcome({ env: { A: '1' } })).toBe('unchanged')
    expect(await builder.outcome({ setup: 'npm ci' })).toBe('ran')
    expect(await builder.outcome({ setup: 'npm ci --omit=optional' })).toBe('ran')
  })

  it.each<[string, (builder: Builder) => void]>([
    ['the source changes', (b) => writeFileSync(b.at('server.js'), 'changed')],
    [
      'the app gets a new version',
      (b) => {
        writeFileSync(b.at('package.json'), '{"name":"app","version":"2.0.0","dependencies":{"left":"1"}}')
        writeFileSync(
          b.at('package-lock.json'),
          lock('1.0.0')
            .replaceAll('"version":"1.0.0"', '"version":"2.0.0"')
            .replace('{"version":"2.0.0"}}}', '{"version":"1.0.0"}}}'),
        )
      },
    ],
    [
      'a token of the registry changes',
      (b) => writeFileSync(join(b.bin, '.npmrc'), '//registry.example/:_authToken=abc'),
    ],
    ['npm runs deliver', (b) => void (b.env = { npm_config_user_agent: 'npm/1', npm_config_cache: '/x' })],
  ])('and not when %s', async (_, change) => {
    const builder = Builder.create()
    await builder.setup()
    change(builder)
    expect(await builder.outcome()).toBe('unchanged')
    expect(builder.runs).toBe(1)
  })
})

describe('setup always runs', () => {
  const manifest = (more: object): string =>
    JSON.stringify({ name: 'app', dependencies: { left: '1' }, ...more })

  it.each<[string, Files, Partial<CachedSetupRequest['build']>, RegExp]>([
    ['as a command of your own', {}, { setup: 'npm ci && touch built' }, /command of your own/],
    ['in another directory', {}, { setup: 'npm ci --prefix=web' }, /command of your own/],
    ['that installs without a lock', {}, { setup: 'npm install' }, /command of your own/],
    [
      'with a script that npm runs',
      { 'package.json': manifest({ scripts: { prepare: 'tsc' } }) },
      {},
      /\(prepare\)/,
    ],
    ['with workspaces', { 'package.json': manifest({ workspaces: ['a'] }) }, {}, /workspaces/],
    [
      'with a package of this machine',
      { 'package-lock.json': lock('1', { resolved: 'file:../left' }) },
      {},
      /on this machine/,
    ],
    ['with native code of its own', { 'binding.gyp': '{}' }, {}, /binding\.gyp/],
    ['when the config says so', {}, { cache: { kind: 'off' } }, /build\.cache is false/],
  ])('%s', async (_, files, build, why) => {
    const builder = Builder.create(files)
    for (const run of [1, 2]) {
      const { outcome, notes } = await builder.setup({ build })
      expect(outcome).toBe('ran')
      expect(notes).toMatch(why)
      expect(builder.runs).toBe(run)
    }
    expect(git(builder.directory, 'for-each-ref', 'refs/deliver')).toBe('')
  })

  it('when a package runs a script that may read the app', async () => {
    const builder = Builder.create()
    builder.env = { SCRIPT: 'prisma generate' }
    expect((await builder.setup()).notes).toMatch(/left may read files of the app/)
    expect(await builder.outcome()).toBe('ran')
    builder.env = { SCRIPT: 'prebuild-install || node-gyp rebuild' }
    expect(await builder.outcome()).toBe('ran')
    expect(await builder.outcome()).toBe('unchanged')
  })

  it('when node_modules is a link, which stays one', async () => {
    const builder = Builder.create()
    await builder.setup()
    const elsewhere = scratchDirectory()
    writeFileSync(join(elsewhere, 'precious'), 'x')
    builder.forget()
    symlinkSync(elsewhere, builder.at('node_modules'))
    expect(await builder.outcome()).toBe('ran')
    expect(readFileSync(join(elsewhere, 'precious'), 'utf8')).toBe('x')
  })

  it('when it changes its own lockfile', async () => {
    const builder = Builder.create()
    builder.env = { THEN: 'echo >> package-lock.json' }
    const build = { cache: { kind: 'files', files: [] } } as const
    expect((await builder.setup({ build })).notes).toMatch(/changed what decides/)
    expect(await builder.outcome(build)).toBe('ran')
  })
})

describe('build.cache', () => {
  const build: Partial<CachedSetupRequest['build']> = {
    setup: 'npm ci && mkdir -p dist && cat src/*.js > dist/all.js',
    deps: ['node_modules', 'dist'],
    cache: { kind: 'files', files: ['src'] },
  }

  it('says what else decides, and all deps paths come back', async () => {
    const builder = Builder.create({ 'src/a.js': 'a', 'src/below/b.js': 'b' })
    expect(await builder.outcome(build)).toBe('ran')
    rmSync(builder.at('dist'), { recursive: true })
    expect(await builder.outcome(build)).toBe('restored')
    expect(readFileSync(builder.at('dist/all.js'), 'utf8')).toBe('a')
    writeFileSync(builder.at('src/below/b.js'), 'changed')
    expect(await builder.outcome(build)).toBe('ran')
    chmodSync(builder.at('src/a.js'), 0o755)
    expect(await builder.outcome(build)).toBe('ran')
    renameSync(builder.at('src/a.js'), builder.at('src/c.js'))
    expect(await builder.outcome(build)).toBe('ran')
    expect(await builder.outcome(build)).toBe('unchanged')
  })

  it('may name nothing that is missing', async () => {
    const builder = Builder.create()
    const build = { cache: { kind: 'files', files: ['nowhere'] } } as const
    await expect(builder.setup({ build })).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/build\.cache\.files: "nowhere"/) as string,
    })
  })
})

describe('a clone that is not whole', () => {
  const packsOf = (builder: Builder): string[] =>
    readdirSync(builder.at('.git/objects/pack')).map((name) => builder.at(`.git/objects/pack/${name}`))

  it('installs when objects are missing, says so, and mends itself', async () => {
    const builder = Builder.create()
    await builder.setup()
    const made = contents(builder.at('node_modules'))
    const blob = git(
      builder.directory,
      'rev-parse',
      `${git(builder.directory, 'for-each-ref', '--format=%(objectname)', 'refs/deliver')}:node_modules/left/index.js`,
    )
    const keep = packsOf(builder).filter((path) => path.endsWith('.pack'))
    const loose = join(builder.bin, 'packs')
    mkdirSync(loose)
    for (const path of packsOf(builder)) renameSync(path, join(loose, path.split('/').at(-1) ?? ''))
    for (const path of keep)
      execFileSync('git', ['unpack-objects', '-q'], {
        cwd: builder.directory,
        input: readFileSync(join(loose, path.split('/').at(-1) ?? '')),
      })
    rmSync(builder.at(`.git/objects/${blob.slice(0, 2)}/${blob.slice(2)}`))
    builder.forget()
    const { outcome, warnings } = await builder.setup()
    expect(outcome).toBe('ran')
    expect(warnings.join()).toMatch(/could not be taken from the clone/)
    builder.forget()
    expect(await builder.setup()).toMatchObject({ outcome: 'restored', warnings: [] })
    expect(contents(builder.at('node_modules'))).toEqual(made)
  })

  it.each([0, 1])('installs when objects are damaged (pack %i by size)', async (which) => {
    const builder = Builder.create()
    await builder.setup()
    const made = contents(builder.at('node_modules'))
    const largest = packsOf(builder)
      .filter((path) => path.endsWith('.pack'))
      .sort((a, b) => lstatSync(b).size - lstatSync(a).size)[which]
    const bytes = readFileSync(largest ?? '')
    bytes.fill(0x5a, 40, bytes.length - 30)
    chmodSync(largest ?? '', 0o644)
    writeFileSync(largest ?? '', bytes)
    builder.forget()
    const { outcome, warnings } = await builder.setup()
    expect(outcome).toBe('ran')
    expect(warnings.join()).toMatch(/could not be taken from the clone/)
    expect(contents(builder.at('node_modules'))).toEqual(made)
  })

  it('installs when the ref can not be kept', async () => {
    const builder = Builder.create()
    write(builder.directory, { '.git/refs/deliver': 'in the way' })
    const { outcome, warnings } = await builder.setup()
    expect(outcome).toBe('ran')
    expect(warnings.join()).toMatch(/could not be kept in the clone/)
    expect(existsSync(builder.at('node_modules/left/run'))).toBe(true)
  })

  it('takes no commit of somebody else for dependencies', async () => {
    const builder = Builder.create()
    await builder.setup()
    const [ref = ''] = git(builder.directory, 'for-each-ref', '--format=%(refname)', 'refs/deliver').split(
      '\n',
    )
    git(builder.directory, 'update-ref', ref, 'HEAD')
    builder.forget()
    expect(await builder.outcome()).toBe('ran')
    builder.forget()
    expect(await builder.outcome()).toBe('restored')
  })
})

describe('two at once', () => {
  it('in two work trees of a clone both keep, and both have it all', async () => {
    const builder = Builder.create()
    const tree = join(scratchDirectory(), 'tree')
    git(builder.directory, 'worktree', 'add', '-q', '--detach', tree)
    const both = await Promise.all([builder.setup(), builder.setup({ directory: tree })])
    expect(both.flatMap(({ warnings }) => warnings)).toEqual([])
    expect(contents(builder.at('node_modules'))).toEqual(contents(join(tree, 'node_modules')))
    expect(await builder.outcome()).toBe('unchanged')
    expect(git(builder.directory, 'fsck', '--strict', '--no-dangling')).toBe('')
  })
})
