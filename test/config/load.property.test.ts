import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { DeliverError, exitCodeOf } from '../../src/errors.js'
import { anyCharacter } from '../fixtures/any-character.js'

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'deliver-load-')))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Loads a file of these bytes. What is wrong with it is an error of the config, whatever it is. */
async function loads(name: string, bytes: string | Uint8Array): Promise<void> {
  const file = join(root, name)
  writeFileSync(file, bytes)
  try {
    const config = await loadConfig({ cwd: root, env: {}, file: name })
    expect(typeof config.app).toBe('string')
  } catch (error) {
    expect(error).toBeInstanceOf(DeliverError)
    expect(exitCodeOf(error)).toBe(2)
    // It says which file.
    expect((error as DeliverError).message).toContain(name)
  } finally {
    rmSync(file)
  }
}

const word = fc.constantFrom(
  ...[
    'app',
    'fleet',
    'hosts',
    'env',
    'ssh',
    '__proto__',
    'constructor',
    'secret',
    'api',
    '1e999',
    '9'.repeat(40),
  ],
  ...[
    ': ',
    '- ',
    '\n',
    '\n  ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '&a ',
    '*a',
    '<<: ',
    '!!js/function ',
    '|\n',
    '#',
    '? ',
  ],
)
const document = fc
  .array(fc.oneof({ weight: 9, arbitrary: word }, fc.string({ unit: anyCharacter, maxLength: 5 })))
  .map((parts) => `app: api\n${parts.join('')}`)

test.each(['deliver.config.yaml', 'deliver.config.json'])(
  '%s: whatever is in it, it loads or says what is wrong',
  async (name) => {
    await fc.assert(fc.asyncProperty(document, (text) => loads(name, text)))
    await fc.assert(fc.asyncProperty(fc.json(), (text) => loads(name, text)))
    await fc.assert(fc.asyncProperty(fc.uint8Array(), (bytes) => loads(name, bytes)))
  },
)

test('nothing of a config reaches the prototypes of all objects', async () => {
  for (const text of [
    '{"app":"api","__proto__":{"polluted":1}}',
    '{"app":"api","constructor":{"prototype":{"polluted":1}}}',
  ])
    await loads('deliver.config.json', text)
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

test('an alias that multiplies itself in YAML ends soon', { timeout: 30_000 }, async () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 9; level++)
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`)
  await loads('deliver.config.yaml', lines.join('\n'))
})
