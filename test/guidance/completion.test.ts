import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { complete, optionsWithValues } from '../../src/guidance/completion.js'
import { describeProgram } from '../../src/cli.js'
import { releaseRecordKey } from '../../src/store/layout.js'
import { deliver } from '../integration/rig/deliver.js'
import { scratchDirectory } from '../sandbox/scratch.js'

const program = describeProgram(new Command())
const typed = (line: string): readonly string[] => line.split(' ').slice(1)

function words(line: string): readonly string[] {
  const found = complete(program, typed(line))
  return found.kind === 'words' ? found.words.map(({ word }) => word) : [found.kind]
}

describe('what may come next', () => {
  test.each([
    ['deliver rollb', ['rollback']],
    ['deliver --plain rollb', ['rollback']],
    ['deliver -e staging rollb', ['rollback']],
    ['deliver --env=staging rollb', ['rollback']],
    ['deliver __', []],
    ['deliver rollback --on', ['--on-failure']],
    ['deliver rollback --on-failure s', ['stop']],
    ['deliver rollback --on-failure=s', ['--on-failure=stop']],
    ['deliver rollback --on-failure = s', ['stop']],
    ['deliver rollback --on-failure =', ['rollback', 'rollback-host', 'stop']],
    ['deliver rollback --dry-run --js', ['--json']],
    ['deliver rollback --batch ', []],
    ['deliver sandbox --hosts ', []],
    ['deliver user-data --format ', ['sh', 'cloud-init', 'program']],
    ['deliver --report ', ['files']],
    ['deliver exec -- ls ', ['files']],
    ['deliver completion ', ['bash', 'zsh', 'fish']],
    ['deliver doctor --fi', ['--fix']],
    ['deliver nothing-like-it ', expect.arrayContaining(['deploy'])],
  ])('%s', (line, next) => {
    expect(words(line)).toEqual(next)
  })

  test.each([
    ['deliver -e ', 'environments', '', ''],
    ['deliver status --hosts=web1,w', 'hosts', 'web1,w', '--hosts='],
    ['deliver deploy v', 'releases', 'v', ''],
    ['deliver rollback -y ', 'releases', '', ''],
    ['deliver ssh ', 'hosts', '', ''],
    ['deliver publish --tag x', 'releases', 'x', ''],
  ])('%s: %s', (line, of, word, prefix) => {
    expect(complete(program, typed(line))).toMatchObject({ kind: 'names', of, typed: word, prefix })
  })

  test('which config and environment it is about', () => {
    expect(complete(program, typed('deliver -c a.json deploy --env = staging '))).toMatchObject({
      context: { config: 'a.json', environment: 'staging' },
    })
  })

  test('the first argument alone is a release', () => {
    expect(words('deliver deploy v1 v')).toEqual([])
  })
})

test('options that complete to something exist', () => {
  const all = [program, ...program.commands].flatMap(({ options }) => options.map(({ long }) => long))
  expect(optionsWithValues.filter((name) => !all.includes(name))).toEqual([])
})

describe('deliver __complete', () => {
  async function app(files: Readonly<Record<string, string>>): Promise<string> {
    const cwd = await scratchDirectory()
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(cwd, path, '..'), { recursive: true })
      writeFileSync(join(cwd, path), text)
    }
    return cwd
  }
  const answer = async (cwd: string, ...args: readonly string[]) => {
    const { code, stdout } = await deliver(['__complete', ...args], { cwd })
    return { code, output: stdout }
  }

  test.each([
    ['no config', {}],
    ['a config that is wrong', { 'deliver.config.json': '{"app":' }],
    ['a config that throws', { 'deliver.config.mjs': 'console.error("x"); throw new Error("no")' }],
    ['a store that is not there', { 'deliver.config.json': '{"app":"a","store":{"directory":"none"}}' }],
  ])('%s: nothing, and no error', async (_, files) => {
    expect(await answer(await app(files), 'deploy', '')).toEqual({ code: 0, output: '' })
  })

  test('a fleet that never answers is waited for no longer than people wait', async () => {
    const config = `export default { app: 'a', fleet: () => new Promise(() => setInterval(() => 0, 100)) }`
    expect(await answer(await app({ 'deliver.config.mjs': config }), 'ssh', '')).toEqual({
      code: 0,
      output: '',
    })
  })

  test('what a config prints is no candidate, and neither is a name that a shell would read', async () => {
    const cwd = await app({
      'deliver.config.mjs': `console.log('hello')
export default { app: 'a', environments: { 'a$(touch made)': {}, 'x y': {}, 'b;c': {} } }`,
    })
    expect(await answer(cwd, '-e', '')).toEqual({ code: 0, output: 'production\t\n' })
  })

  test('releases, newest first, and environments', async () => {
    const cwd = await app({
      'deliver.config.json': '{"app":"a","store":{"directory":"s"},"environments":{"staging":{}}}',
      [`s/${releaseRecordKey('a', 'v9')}`]: '{}',
      [`s/${releaseRecordKey('a', 'v10')}`]: '{}',
    })
    const { output } = await answer(cwd, 'rollback', 'v')
    expect(
      output
        .split('\t\n')
        .filter((word) => word !== '')
        .sort(),
    ).toEqual(['v10', 'v9'])
    expect((await answer(cwd, '-e', '')).output).toBe('staging\t\nproduction\t\n')
  })
})
