import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pages, root } from './pages.js'

const page = pages.find(({ path }) => path === 'docs/troubleshooting.md') ?? { path: '', text: '' }

/** What the program says, as its source has it, without what a string needs to be one. */
const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|sh)$/.test(path))
  .map((path) => readFileSync(join(root, 'src', path), 'utf8').replaceAll('\\', ''))
  .join('\n')

/** Messages of the first column of tables: `fragment … fragment`, where … stands for a value. */
const messages = [...page.text.matchAll(/^ *\| `([^`]+)`/gm)].map(([, message = '']) => message)

function missing(message: string): readonly string[] {
  return message
    .split('…')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !source.includes(part))
}

describe('docs/troubleshooting.md', () => {
  test.each(messages)('the program says: %s', (message) => {
    expect(missing(message)).toEqual([])
  })

  test('it has many, and one that nobody says is found', () => {
    expect(messages.length).toBeGreaterThan(35)
    expect(missing('no … says this in any case')).toEqual(['says this in any case'])
  })
})
