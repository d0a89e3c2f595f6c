import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

interface Import {
  /** Relative to src/, or a package, or `node:…`. */
  readonly of: string
  /** For types alone: gone when the code runs. */
  readonly type: boolean
}

interface SourceFile {
  /** Relative to src/. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

const files: readonly SourceFile[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8')
    return { path, text, imports: importsOf(path, text) }
  })

function importsOf(path: string, text: string): readonly Import[] {
  const code = withoutComments(text)
  const found = [
    ...code.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'/gm),
    ...code.matchAll(/^\s*import\s+()'([^']+)'/gm),
    ...code.matchAll(/(?<!typeof )\bimport\(()\s*'([^']+)'\s*\)(?!\.)/g),
  ]
  return found.map(([, type, of = '']) => ({
    of: of.startsWith('.') ? relative(src, join(src, dirname(path), of)).replace(/\.js$/, '.ts') : of,
    type: type !== undefined && type !== '',
  }))
}

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '')
}

/** `file -> import` of what breaks a rule. */
function wrong(where: RegExp, forbidden: (of: string) => boolean, except: readonly string[] = []): string[] {
  return files
    .filter(({ path }) => where.test(path) && !except.includes(path))
    .flatMap(({ path, imports }) =>
      imports.filter(({ of, type }) => !type && forbidden(of)).map(({ of }) => `${path} -> ${of}`),
    )
}

const isPackage = (of: string): boolean => !/^(node:|[\w-]+(\/[\w-]+)*\.ts$)/.test(of)
const startsWith =
  (...starts: readonly string[]) =>
  (of: string): boolean =>
    starts.some((start) => of.startsWith(start))

test('the rules look at something', () => {
  expect(files.length).toBeGreaterThan(100)
  expect(files.find(({ path }) => path === 'execute/perform.ts')?.imports).toContainEqual({
    of: 'execute/stage.ts',
    type: false,
  })
  expect(files.find(({ path }) => path === 'wire.ts')?.imports).toContainEqual({
    of: 'adapters/static-fleet.ts',
    type: false,
  })
})

test('nothing listens but the sandbox', () => {
  const listening = files
    .filter(({ text }) => /\bcreateServer\b|\.listen\(/.test(text))
    .map(({ path }) => path)
  expect(listening.length).toBeGreaterThan(0)
  expect(listening.filter((path) => !path.startsWith('sandbox/'))).toEqual([])
})

describe('the arrows point one way', () => {
  test('plan/ is pure: no I/O, no clock, no adapter', () => {
    const allowed = startsWith('plan/', 'errors.ts', 'nearest.ts', 'config/values.ts', 'release/')
    expect(wrong(/^plan\//, (of) => !allowed(of))).toEqual([])
    const impure = files.filter(
      ({ path, text }) =>
        path.startsWith('plan/') && /\bawait\b|Date\.now|new Date\(\)|Math\.random/.test(text),
    )
    expect(impure.map(({ path }) => path)).toEqual([])
  })

  test('check/ judges what was seen: no I/O, no clock', () => {
    const allowed = startsWith('check/', 'plan/', 'report/units.ts', 'errors.ts')
    expect(wrong(/^check\//, (of) => !allowed(of))).toEqual([])
    const impure = files.filter(
      ({ path, text }) => path.startsWith('check/') && /\bawait\b|Date\.now|new Date\(\)/.test(text),
    )
    expect(impure.map(({ path }) => path)).toEqual([])
  })

  test('remote/ makes values; only the agent itself is read from the disk', () => {
    const allowed = startsWith('remote/', 'errors.ts', 'node:string_decoder', 'node:util')
    expect(wrong(/^remote\//, (of) => !allowed(of), ['remote/agent-program.ts'])).toEqual([])
  })

  test('release/ computes, and touches neither disk, processes nor network', () => {
    const allowed = startsWith('release/', 'errors.ts', 'node:crypto', 'node:zlib', 'node:util')
    expect(wrong(/^release\//, (of) => !allowed(of))).toEqual([])
  })

  test('adapters are built in wire.ts and the commands, and used as ports elsewhere', () => {
    const users = /^(?!adapters\/|wire\.ts|commands\/)/
    const ours = startsWith('adapters/')
    // How a local program is run, who and where we are, how git quotes a path, and what AWS calls its actions: nothing that could be swapped, so
    // nothing to have a port for.
    const tools = [
      'adapters/machine.ts',
      'adapters/process.ts',
      'adapters/shell.ts',
      'adapters/c-quote.ts',
      'adapters/aws/permissions.ts',
    ]
    expect(wrong(users, (of) => ours(of) && !tools.includes(of))).toEqual([])
  })

  test('nothing but the CLI and library.ts knows the commands', () => {
    const others = /^(?!commands\/|cli\/|cli\.ts|library\.ts|index\.ts|run-command\.ts)/
    expect(wrong(others, startsWith('commands/'))).toEqual([])
  })

  test('adapters, store, plan, release and remote know nothing of what is built on them', () => {
    const below = /^(adapters|store|plan|release|remote|config|report)\//
    expect(
      wrong(below, startsWith('execute/', 'commands/', 'build/', 'cli/', 'cli.ts', 'wire.ts', 'sandbox/')),
    ).toEqual([])
  })

  test('execute/ knows of hooks only that something may run around its steps', () => {
    expect(wrong(/^execute\//, startsWith('hooks/'))).toEqual([])
  })

  test('execute/ talks to hosts by ports alone', () => {
    const network = startsWith('node:child_process', 'node:dgram', 'node:dns', 'adapters/ssh')
    expect(wrong(/^execute\//, network)).toEqual([])
  })
})

test('each third-party package is imported in one file', () => {
  const users = new Map<string, string[]>()
  for (const { path, imports } of files)
    for (const name of new Set(imports.filter(({ of, type }) => !type && isPackage(of)).map(({ of }) => of)))
      users.set(name, [...(users.get(name) ?? []), path])
  // The tool that logs in to hosts, and the sandbox that pretends to be some, are two programs.
  expect(users.get('ssh2')).toEqual(['adapters/ssh/ssh2.ts', 'sandbox/ssh2.ts'])
  users.delete('ssh2')
  expect([...users].filter(([, paths]) => paths.length > 1)).toEqual([])
  const { dependencies }: { dependencies: Readonly<Record<string, string>> } = packageJson
  expect([...users.keys()].sort()).toEqual(
    Object.keys(dependencies)
      .filter((name) => name !== 'ssh2')
      .sort(),
  )
})

test('what a rollout loads late is declared, so that a ship whose setup removes deliver itself can load it before', () => {
  const late = files
    .filter(({ path }) => /^(adapters|execute|hooks|secrets|store)\//.test(path))
    .flatMap(({ path, text }) =>
      [...withoutComments(text).matchAll(/^.*(?<!typeof )\bimport\('\..*$/gm)].map(
        ([line]) => `${path}: ${line}`,
      ),
    )
  expect(late.length).toBeGreaterThan(5)
  expect(late.filter((line) => !/= lazily\(\(\) => import\(/.test(line))).toEqual([])
})

test('only what runs the process ends it, and only reporters and the CLI write to its streams', () => {
  const found = files.flatMap(({ path, text }) => {
    const code = withoutComments(text).replaceAll(/'[^'\n]*'/g, "''")
    return [...code.matchAll(/\bconsole\.\w+|\bprocess\.exit\b|\bprocess\.std(out|err)\b/g)].map(
      ([what]) => `${path}: ${what}`,
    )
  })
  expect(found.filter((each) => !/^(run-command|cli)\.ts: process\.std/.test(each))).toEqual([])
})

describe('files', () => {
  test('have at most 250 lines', () => {
    const long = files.filter(({ text }) => text.split('\n').length > 251).map(({ path }) => path)
    expect(long).toEqual([])
  })

  test('are no drawers', () => {
    const drawers = files.filter(({ path }) =>
      /(^|\/)(utils?|helpers?|common|misc)(\/|\.ts$|-|\b)/.test(path),
    )
    expect(drawers.map(({ path }) => path)).toEqual([])
  })

  test('export names, and nothing as default', () => {
    expect(files.filter(({ text }) => /^export default/m.test(text)).map(({ path }) => path)).toEqual([])
  })

  test('end no type question with any', () => {
    const loose = files.filter(({ text }) =>
      /:\s*any\b|\bas any\b|<any>|@ts-(ignore|nocheck|expect-error)/.test(withoutComments(text)),
    )
    expect(loose.map(({ path }) => path)).toEqual([])
  })
})

describe('what a command loads', () => {
  /** The packages that a run of the real program asks for. */
  function packagesOf(...args: readonly string[]): readonly string[] {
    const directory = mkdtempSync(join(tmpdir(), 'deliver-loads-'))
    try {
      const log = join(directory, 'log')
      const hook = join(directory, 'hook.mjs')
      const listener = `import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(log)}, url + '\\n')
  return next(url, context)
}`
      const source = encodeURIComponent(listener)
      writeFileSync(
        hook,
        `import { register } from 'node:module'\nregister(${JSON.stringify(`data:text/javascript,${source}`)})\n`,
      )
      writeFileSync(log, '')
      execFileSync(process.execPath, ['--import', hook, join(root, 'bin/deliver.js'), ...args], {
        cwd: directory,
        stdio: 'pipe',
      })
      const names = readFileSync(log, 'utf8').matchAll(/\/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//g)
      return [...new Set([...names].map(([, name = '']) => name))].sort()
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  test.each([['--help'], ['deploy', '--help'], ['--version']])(
    '%s %s: only what reads arguments',
    (...args) => {
      expect(packagesOf(...args.filter((arg) => arg !== undefined))).toEqual(['commander'])
    },
  )
})
