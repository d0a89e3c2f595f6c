import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { configurationDocs } from '../../src/config/docs.js'
import { allKeys } from '../../src/config/keys.js'

test('docs/configuration.md is what the schema says; scripts/docs.js writes it', async () => {
  const written = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  expect(written).toBe(configurationDocs())
})

test('every key is described', () => {
  expect(allKeys().filter((key) => key.description === '')).toEqual([])
})
