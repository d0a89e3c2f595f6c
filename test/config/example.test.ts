import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import example from '../../deliver.config.example.js'
import { allKeys } from '../../src/config/keys.js'
import { loadConfig } from '../../src/config/load.js'

const file = fileURLToPath(new URL('../../deliver.config.example.ts', import.meta.url))

/** Whether the value has the key; `[]` in the path stands for any item of a list. */
function shows(value: unknown, path: readonly string[]): boolean {
  const [first, ...rest] = path
  if (first === undefined) return true
  if (first === '[]') return Array.isArray(value) && value.some((item) => shows(item, rest))
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, inside]) => key === first && shows(inside, rest))
}

const forms: readonly unknown[] = [example, ...Object.values(example.environments ?? {})]

test.each(allKeys().map((key) => key.path.join('.')))('the example shows %s', (path) => {
  expect(forms.some((form) => shows(form, path.split('.')))).toBe(true)
})

test('a key that the example lacks would be noticed', () => {
  expect(forms.some((form) => shows(form, ['rollout', 'speed']))).toBe(false)
  expect(forms.some((form) => shows(form, ['fleet', 'hosts', '[]', 'colour']))).toBe(false)
})

describe('the example is a valid config', () => {
  test.each(Object.keys(example.environments ?? {}))('for %s', async (environment) => {
    expect(await loadConfig({ cwd: '/', file, environment, env: {} })).toMatchObject({
      app: 'api',
      environment,
    })
  })
})
