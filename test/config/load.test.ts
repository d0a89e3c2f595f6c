import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import type { LoadOptions } from '../../src/config/load.js'
import { DeliverError, exitCodeOf } from '../../src/errors.js'

let root: string
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'deliver-config-')))
})
afterEach(() => rm(root, { recursive: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

const load = (options: Partial<LoadOptions> = {}) => loadConfig({ cwd: root, env: {}, ...options })

async function failure(options: Partial<LoadOptions> = {}): Promise<string> {
  const error = await load(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DeliverError)) throw new Error('expected a DeliverError', { cause: error })
  expect(exitCodeOf(error)).toBe(2)
  return `${error.message} ${error.fix ?? ''}`
}

const esm = "import { defineConfig } from 'deliver-cli'\nexport default defineConfig({ app: 'api' })\n"
const cjs = "const { defineConfig } = require('deliver-cli')\nmodule.exports = defineConfig({ app: 'api' })\n"

describe('every way to write a config', () => {
  const packages = {
    'no package.json': undefined,
    module: '{"type":"module"}',
    commonjs: '{"type":"commonjs"}',
  }
  const files = {
    'deliver.config.ts': esm.replace("app: 'api'", "app: 'api' as string"),
    'deliver.config.mts': esm,
    'deliver.config.cts': esm,
    'deliver.config.js': esm,
    'deliver.config.mjs': esm,
    'deliver.config.cjs': cjs,
    'deliver.config.json': '{"app":"api"}',
    'deliver.config.yaml': 'app: api\n',
    'deliver.config.yml': 'app: api\n',
  }
  for (const [kind, manifest] of Object.entries(packages)) {
    test.each(Object.entries(files))(`${kind}: %s`, async (name, text) => {
      await write({ [name]: text, ...(manifest === undefined ? {} : { 'package.json': manifest }) })
      expect(await load()).toMatchObject({ app: 'api', environment: 'production', directory: root })
    })
  }

  test('CommonJS in a .js file', async () => {
    await write({ 'deliver.config.js': cjs, 'package.json': '{}' })
    expect(await load()).toMatchObject({ app: 'api' })
  })

  test('the deliver key of package.json', async () => {
    await write({ 'package.json': '{"name":"x","deliver":{"app":"api"}}' })
    expect(await load()).toMatchObject({ app: 'api' })
  })

  test.each(['() => ({ app: "api" })', 'async () => ({ app: "api" })', 'Promise.resolve({ app: "api" })'])(
    'an export of %s',
    async (code) => {
      await write({ 'deliver.config.ts': `export default ${code}` })
      expect(await load()).toMatchObject({ app: 'api' })
    },
  )

  test('code that imports its neighbours and uses import.meta', async () => {
    await write({
      'deliver.config.ts': `import { name } from './deploy/name.js'\nimport { basename } from 'node:path'\n
        if (!import.meta.url.endsWith('deliver.config.ts')) throw new Error('meta')
        export default { app: basename('/x/' + name) }`,
      'deploy/name.ts': "export const name: string = 'api'",
    })
    expect(await load()).toMatchObject({ app: 'api' })
  })
})

describe('where it is found', () => {
  test('in a directory above, up to the root of the repository', async () => {
    await write({
      '.git/HEAD': '',
      'deliver.config.json': '{"app":"api"}',
      'a/b/package.json': '{"name":"b"}',
    })
    expect(await load({ cwd: join(root, 'a/b') })).toMatchObject({ app: 'api', directory: root })
  })

  test('never above the repository', async () => {
    await write({ 'deliver.config.js': 'throw new Error("planted")', 'repo/.git/HEAD': '', 'repo/sub/x': '' })
    const text = await failure({ cwd: join(root, 'repo/sub') })
    expect(text).toContain('No config found')
    expect(text).toContain('deliver help config')
  })

  test('where --config or DELIVER_CONFIG says, in this order', async () => {
    await write({
      'a/one.ts': 'export default { app: "one" }',
      'two.yaml': 'app: two',
      'deliver.config.json': '{"app":"x"}',
    })
    expect(await load({ file: 'a/one.ts' })).toMatchObject({ app: 'one', directory: join(root, 'a') })
    expect(await load({ env: { DELIVER_CONFIG: 'two.yaml' } })).toMatchObject({ app: 'two' })
    expect(await load({ file: 'a/one.ts', env: { DELIVER_CONFIG: 'two.yaml' } })).toMatchObject({
      app: 'one',
    })
    expect(await load({ env: { DELIVER_CONFIG: '' } })).toMatchObject({ app: 'x' })
  })

  test('two in one directory are an error, not a choice', async () => {
    await write({ 'deliver.config.ts': esm, 'deliver.config.json': '{"app":"api"}' })
    expect(await failure()).toMatch(/deliver\.config\.ts and deliver\.config\.json.*Keep one/s)
  })
})

describe('files that are no config', () => {
  test.each([
    ['deliver.config.ts', 'throw new Error("boom")', 'boom'],
    ['deliver.config.ts', 'export default () => { throw new Error("late boom") }', 'late boom'],
    ['deliver.config.ts', 'export default async () => { throw new Error("later boom") }', 'later boom'],
    ['deliver.config.ts', 'export default {', "can't be run"],
    ['deliver.config.ts', "import 'no-such-package-here'\nexport default {}", 'no-such-package-here'],
    // cosmiconfig's search takes this error for a file that isn't there.
    [
      'deliver.config.ts',
      "import { readFileSync } from 'node:fs'\nreadFileSync('/no/such/file')\nexport default {}",
      'ENOENT',
    ],
    ['deliver.config.ts', 'export const config = { app: "api" }', 'exports no config as default'],
    ['deliver.config.ts', '', 'exports no config as default'],
    ['deliver.config.ts', 'export default 5', 'is no object'],
    ['deliver.config.ts', 'export default null', 'no config'],
    ['deliver.config.ts', 'export default () => undefined', 'is no object'],
    ['deliver.config.ts', 'export default []', 'is no object'],
    ['deliver.config.ts', 'export default new Map()', 'is no object'],
    ['deliver.config.json', '{"app":', "can't be read"],
    ['deliver.config.json', '', 'no config'],
    ['deliver.config.yaml', 'app: [', "can't be read"],
    ['deliver.config.yaml', 'app: !!js/function "x"', "can't be read"],
    ['package.json', '{"deliver":', "can't be read"],
  ])('%s with %j', async (name, text, expected) => {
    await write({ [name]: text })
    const message = await failure()
    expect(message).toContain(join(root, name))
    expect(message).toContain(expected)
  })

  test('a named file that is missing', async () => {
    await write({ 'deliver.config.json': '{"app":"api"}' })
    expect(await failure({ file: 'nope.ts' })).toMatch(/There is no .*nope\.ts/)
    expect(await failure({ file: 'nope.yaml' })).toMatch(/There is no .*nope\.yaml/)
  })

  test('a directory in place of a file', async () => {
    await write({ 'deliver.config.json/x': '' })
    expect(await failure()).toContain("can't be read")
  })

  test('YAML whose aliases grow without bound', async () => {
    const levels = Array.from({ length: 9 }, (_, at) => {
      const below = at === 0 ? '"x"' : `*l${at - 1}`
      return `l${at}: &l${at} [${Array.from({ length: 10 }, () => below).join(', ')}]`
    })
    await write({ 'deliver.config.yaml': `app: api\n${levels.join('\n')}\n` })
    expect(await failure()).toContain('too large')
  })

  test('keys that reach for prototypes', async () => {
    await write({
      'deliver.config.json': '{"app":"api","build":{"env":{"__proto__":"x","constructor":"y"}}}',
    })
    const message = await failure()
    expect(message).toContain('build.env.__proto__: is not allowed')
    expect(message).toContain('build.env.constructor: is not allowed')
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })

  test('an object that contains itself', async () => {
    await write({ 'deliver.config.ts': 'const c = { app: "api" }\nc.build = c\nexport default c' })
    expect(await failure()).toContain('build: contains itself')
  })
})

test('keys that are undefined are left out', async () => {
  await write({
    'deliver.config.ts': 'export default { app: "api", ssh: { port: undefined }, service: undefined }',
  })
  const config = await load()
  expect(config.ssh).not.toHaveProperty('port')
  expect(config).not.toHaveProperty('service')
})

test('everything that is wrong is told at once, wherever it was written', async () => {
  const config = {
    app: 'a b',
    rollout: { batc: 1, onFailure: 'rolback' },
    ssh: { port: '22' },
    health: { tcp: 3000, interval: 10 },
    environments: { staging: { target: { path: '/' } } },
  }
  await write({ 'deliver.config.json': JSON.stringify(config) })
  const message = await failure({
    env: { DELIVER_ROLLOUT_BACH: '2', DELIVER_SSH_RETRIES: 'x' },
    flags: { 'rollout.batch': '0' },
  })
  expect(
    message
      .split('\n')
      .slice(1)
      .map((line) => line.trim()),
  ).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^DELIVER_ROLLOUT_BACH: .*DELIVER_ROLLOUT_BATCH/),
      expect.stringMatching(/^app: "a b" is no name/),
      'rollout.batc: unknown key. Did you mean "batch"?',
      'rollout.onFailure: "rolback" is not a choice. Did you mean "rollback"?',
      'ssh.port: is text. Write a number',
      "health.interval: 10 has no unit. Write '10s' or '10ms'",
      'ssh.retries: is text. Write a number (from DELIVER_SSH_RETRIES)',
      expect.stringMatching(/^rollout\.batch: .* \(from command line\)/),
      expect.stringMatching(/^environments\.staging\.target\.path: "\/" is the whole host/),
    ]) as string[],
  )
  expect(message).toContain('has 9 problems:')
})

test('an environment chosen by -e, by DELIVER_ENV, or by the config, in this order', async () => {
  const environments = { one: { app: 'a1' }, two: { app: 'a2' }, three: { app: 'a3' } }
  await write({ 'deliver.config.json': JSON.stringify({ app: 'base', environment: 'three', environments }) })
  expect(await load()).toMatchObject({ app: 'a3', environment: 'three' })
  expect(await load({ env: { DELIVER_ENV: 'two' } })).toMatchObject({ app: 'a2', environment: 'two' })
  expect(await load({ environment: 'one', env: { DELIVER_ENV: 'two' } })).toMatchObject({ app: 'a1' })
  expect(await load({ environment: 'production' })).toMatchObject({ app: 'base', environment: 'production' })
  expect(await failure({ environment: 'for' })).toContain('Known are: one, two, three, production')
})
