import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allKeys } from '../../src/config/keys.js'
import { loadConfig } from '../../src/config/load.js'
import { reservedVariables, variableFor } from '../../src/config/overrides.js'
import { messageOf } from '../../src/errors.js'
import { scratchDirectory } from '../sandbox/scratch.js'
import { configsOf, keyNamed, type ConfigFile } from './configs.js'
import { blocks, pages, root, spans } from './pages.js'

/** What the program says about the config; undefined: it takes it. */
async function problemWith({ name, text }: ConfigFile): Promise<string | undefined> {
  const cwd = await scratchDirectory()
  await mkdir(join(cwd, '.git'))
  await writeFile(join(cwd, name), text)
  return loadConfig({ cwd, env: {} }).then(() => undefined, messageOf)
}

const page = (text: string) => ({ path: 'page.md', text })

describe('a config in a page', () => {
  test.each([
    ['```ts\nrollout: { batch: 2 },\n```\n', undefined],
    ["```ts\nimport { secret } from 'deliver-cli'\n\nbuild: { env: { A: secret('A') } }\n```\n", undefined],
    ['```json\n{ "rollout": { "batch": 2 } }\n```\n', undefined],
    ['```yaml\nrollout:\n  batch: 2\n```\n', undefined],
    [
      '1. one\n\n   ```ts\n   rollout: { bach: 2 },\n   ```\n',
      'rollout.bach: unknown key. Did you mean "batch"?',
    ],
    ["```ts\nexport default { app: 'a', targets: {} }\n```\n", 'targets: unknown key'],
    ['```json\n{ "rollout": { "batch": "many" } }\n```\n', 'rollout.batch'],
    ['```yaml\nrollout:\n  bach: 2\n```\n', 'rollout.bach: unknown key'],
  ])('%j', async (text, problem) => {
    const [config] = configsOf(page(text))
    if (config === undefined) throw new Error('none was found')
    const said = await problemWith(config)
    if (problem === undefined) expect(said).toBeUndefined()
    else expect(said).toContain(problem)
  })

  test.each([
    '```json\n["s3:GetObject"]\n```\n',
    '```yaml\non: push\n```\n',
    '```ts\nconst a = await deploy()\n```\n',
  ])('%j is none', (text) => {
    expect(configsOf(page(text))).toEqual([])
  })
})

describe('the program takes', () => {
  const all = pages.flatMap(configsOf)

  test.each(all.map((config) => [config.at, config] as const))('the config at %s', async (_, config) => {
    expect(await problemWith(config)).toBeUndefined()
  })

  test('many', () => {
    expect(all.length).toBeGreaterThan(20)
  })
})

test('keys that texts name exist', () => {
  const unknown = pages.flatMap(spans).filter(({ text }) => keyNamed(text) === 'unknown')
  expect(unknown.map(({ at, text }) => `${at}: ${text}`)).toEqual([])
  expect(pages.flatMap(spans).filter(({ text }) => keyNamed(text) === 'known').length).toBeGreaterThan(60)
})

test('variables that texts name exist', () => {
  const named = /\bDELIVER_[A-Z0-9_]*[A-Z0-9]/g
  const source = ['src', 'test']
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((path) =>
        join(root, room, path),
      ),
    )
    .filter((path) => /\.(ts|js|sh)$/.test(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
  const known = new Set([
    ...(source.match(named) ?? []),
    ...reservedVariables.map((name) => `DELIVER_${name}`),
    ...allKeys().flatMap((key) => variableFor(key)?.replace(/_<NAME>$/, '') ?? []),
  ])
  const texts = pages.flatMap((each) => [...spans(each), ...blocks(each)])
  const unknown = texts.flatMap(({ at, text }) =>
    (text.match(named) ?? []).filter((name) => !known.has(name)).map((name) => `${at}: ${name}`),
  )
  expect(unknown).toEqual([])
})

test('what code imports from the package is there', async () => {
  const exported: Readonly<Record<string, unknown>> = await import('../../src/index.js')
  const imports = pages
    .flatMap(blocks)
    .flatMap(({ at, text }) =>
      [...text.matchAll(/^import \{([^}]*)\} from 'deliver-cli'/gm)].flatMap(([, names = '']) =>
        names.split(',').map((name) => ({ at, name: name.trim() })),
      ),
    )
  expect(imports.filter(({ name }) => exported[name] === undefined)).toEqual([])
  expect(imports.length).toBeGreaterThan(3)
})
