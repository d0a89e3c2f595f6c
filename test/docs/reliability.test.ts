import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = readFileSync(join(root, 'docs/reliability.md'), 'utf8')

/** `dir/file` "title"; "another title of the same file". */
function named(): readonly { readonly file: string; readonly title: string }[] {
  const found: { file: string; title: string }[] = []
  for (const [, file = '', titles = ''] of text.matchAll(/`([\w./-]+)` ((?:"[^"|]+"(?:; )?)+)/g))
    for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) found.push({ file, title })
  return found
}

describe('docs/reliability.md', () => {
  const proofs = named()

  test('names proofs', () => {
    expect(proofs.length).toBeGreaterThan(100)
  })

  test('names only tests that there are', () => {
    const missing = proofs.filter(({ file, title }) => {
      const path = [`test/${file}.test.ts`, `test/${file}.ts`]
        .map((each) => join(root, each))
        .find(existsSync)
      return path === undefined || !unquoted(readFileSync(path, 'utf8')).includes(unquoted(title))
    })
    expect(missing.map(({ file, title }) => `${file}: ${title}`)).toEqual([])
  })

  test('has one row for each fault', () => {
    const ids = [...text.matchAll(/^\| ([A-K]-?\d+) /gm)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

/** However its quotes are written. */
const unquoted = (words: string): string => words.replaceAll(/['’`\\"]/g, '')
