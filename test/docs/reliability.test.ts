import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (page: string): string => readFileSync(join(root, page), 'utf8')
const text = read('docs/reliability.md')

/** `dir/file` "title"; "another title of the same file". */
function named(page: string): readonly { readonly file: string; readonly title: string }[] {
  const found: { file: string; title: string }[] = []
  for (const [, file = '', titles = ''] of read(page).matchAll(/`([\w./-]+)` ((?:"[^"|]+"(?:; )?)+)/g))
    for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) found.push({ file, title })
  return found
}

describe.each([
  ['docs/reliability.md', 120],
  ['SECURITY.md', 30],
])('%s', (page, least) => {
  const proofs = named(page)

  test('names proofs', () => {
    expect(proofs.length).toBeGreaterThan(least)
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
})

test('each fault has one row', () => {
  const ids = [...text.matchAll(/^\| ([A-Z]-?\d+) /gm)].map(([, id]) => id)
  expect(new Set(ids).size).toBe(ids.length)
})

test('each of the 25 threats has an answer', () => {
  const ids = [...read('SECURITY.md').matchAll(/^\| T(\d+)(?:–T(\d+))? /gm)].flatMap(([, from, to = from]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index),
  )
  expect(ids).toEqual(Array.from({ length: 25 }, (_, index) => index + 1))
})

/** However its quotes are written. */
const unquoted = (words: string): string => words.replaceAll(/['’`\\"]/g, '')
