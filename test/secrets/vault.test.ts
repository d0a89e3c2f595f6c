import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { execFileSync } from 'node:child_process'
import { envFile } from '../../src/secrets/env-file.js'
import { Vault } from '../../src/secrets/vault.js'

const directory = mkdtempSync(join(tmpdir(), 'deliver-vault-'))
afterAll(() => rmSync(directory, { recursive: true }))
const place = { directory, env: { TOKEN: 'env-token', EMPTY: '', PATH: process.env['PATH'] } }

describe('a secret is read', () => {
  writeFileSync(join(directory, 'key'), 'file-token\n')

  test.each([
    [{ env: 'TOKEN' }, 'env-token'],
    [{ file: 'key' }, 'file-token'],
    [{ command: 'printf "command-%s\\n\\n" token; echo noise >&2' }, 'command-token'],
  ])('%j', async (secret, expected) => {
    const vault = new Vault(() => undefined)
    expect(await vault.reveal({ secret }, 'build.env.X', place)).toBe(expected)
    expect(vault.redactor.redact(`<${expected}>`)).toBe('<***>')
  })

  test('once, however often it is used', async () => {
    const vault = new Vault(() => undefined)
    const secret = { command: 'echo run >>runs; echo once-only' }
    await Promise.all([1, 2, 3].map(() => vault.reveal({ secret }, 'x', place)))
    expect(execFileSync('cat', [join(directory, 'runs')]).toString()).toBe('run\n')
  })
})

test.each([
  [
    { env: 'MISSING' },
    "build.env.X: the secret can't be read from the environment variable MISSING: it is not set",
  ],
  [{ env: 'EMPTY' }, 'it is empty'],
  [{ file: 'nowhere' }, 'ENOENT'],
  [{ command: 'echo half-of-it; exit 3' }, 'its command: it failed with exit code 3'],
])('%j is an error that names the key, and tells nothing of the value', async (secret, expected) => {
  const error: unknown = await new Vault(() => undefined)
    .reveal({ secret }, 'build.env.X', place)
    .catch((reason: unknown) => reason)
  expect(error).toMatchObject({ kind: 'usage' })
  expect(String(error)).toContain(expected)
  expect(String(error)).not.toContain('half-of-it')
})

test('secrets of the environment are hidden before anybody reads them', () => {
  const vault = new Vault(() => undefined)
  vault.watch({ hooks: { afterRollout: [{ env: { A: { secret: { env: 'TOKEN' } } } }] } }, place.env)
  expect(vault.redactor.redact('env-token')).toBe('***')
})

test('one that is too short to hide is told of', async () => {
  const told: string[] = []
  await new Vault((text) => told.push(text)).reveal({ secret: { command: 'echo abc' } }, 'build.env.X', place)
  expect(told).toEqual([expect.stringContaining('build.env.X has fewer than 4 characters')])
})

describe('an env file', () => {
  const values = {
    PLAIN: 'a/b:c',
    SPACE: 'a b # c',
    DOLLAR: '$HOME `id` \\n "x"',
    QUOTE: "it's",
    LINES: 'a\nb',
    NONE: '',
  }

  test('is read by a shell and by node as it was meant', () => {
    const file = join(directory, 'env')
    writeFileSync(file, envFile(values, 'target.files'))
    const names = Object.keys(values)
    const print = `printf '%s\\0' ${names.map((name) => `"$${name}"`).join(' ')}`
    const shell = execFileSync('sh', ['-c', `. ${file}; ${print}`], { env: {} }).toString()
    expect(shell.split('\0').slice(0, -1)).toEqual(Object.values(values))
    const script = `console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => process.env[name])))`
    const node = execFileSync(process.execPath, [`--env-file=${file}`, '-e', script], { env: {} }).toString()
    expect(JSON.parse(node)).toEqual(Object.values(values))
  })

  test('refuses what they would read differently', () => {
    expect(() => envFile({ A: `'$x` }, 'target.files')).toThrow("target.files.A: the value can't be written")
  })
})
