import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }

/** What every error of ours owes to whoever reads it at three in the morning: what is wrong, and what to do. */

const src = fileURLToPath(new URL('../src', import.meta.url))

interface Site {
  readonly at: string
  readonly kind: string
  /** As it stands in the source. */
  readonly message: string
  readonly says: boolean
}

/**
 * Errors that nobody sees, or that say it in the message: what can't happen, what is caught and told in other words, and
 * signals that somebody gave.
 */
const exempt: readonly (readonly [file: string, message: RegExp])[] = [
  ['build/archive-writer.ts', /not read to its end/],
  ['build/cached-setup.ts', /what was written is not what was kept/],
  ['build/compressor.ts', /zstd has no input/],
  ['build/decompressor.ts', /zstd has no input|Node has no zstd/],
  ['build/tar-subtree.ts', /which is outside of/],
  ['build/zstd-frames.ts', /what should be zstd/],
  ['adapters/git-import.ts', /has no input/],
  ['adapters/git-refs.ts', /is not a key of dependencies|is not a full object id/],
  ['adapters/ssh/bastions.ts', /deliver is ending/],
  // Their details, or the whole error, come from another one.
  ['adapters/ssh/host-verifier.ts', /messageOf\(error\)/],
]

function sites(path: string, text: string): readonly Site[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found: Site[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'DeliverError') {
      const [kind, message, detail] = node.arguments ?? []
      const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({
        at: `${path}:${line}`,
        kind: kind?.getText() ?? '',
        message: message?.getText() ?? '',
        says:
          detail !== undefined && (!ts.isObjectLiteralExpression(detail) || /\bfix\b/.test(detail.getText())),
      })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

const all = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) => sites(path, readFileSync(join(src, path), 'utf8')))

const isExempt = ({ at, message, kind }: Site): boolean =>
  kind === "'interrupted'" || exempt.some(([file, text]) => at.startsWith(`${file}:`) && text.test(message))

test('the sites are found', () => {
  expect(all.length).toBeGreaterThan(200)
  const text =
    "throw new DeliverError('failed', 'it is so'); throw new DeliverError('usage', 'x', { fix: 'Do y.' })"
  expect(sites('a.ts', text).map(({ says }) => says)).toEqual([false, true])
})

test('each error says what to do', () => {
  expect(
    all.filter((site) => !site.says && !isExempt(site)).map(({ at, message }) => `${at}: ${message}`),
  ).toEqual([])
})

describe('what is exempt is there', () => {
  test.each(exempt)('%s: %s', (file, text) => {
    expect(all.some(({ at, message }) => at.startsWith(`${file}:`) && text.test(message))).toBe(true)
  })
})

test('pages that messages name exist, and come with the package', () => {
  const root = join(src, '..')
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  const named = files.flatMap(
    (path) => readFileSync(join(src, path), 'utf8').match(/docs\/[\w-]+\.md/g) ?? [],
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((page) => !existsSync(join(root, page)))).toEqual([])
  expect(packageJson.files).toContain('docs/*.md')
})
