import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pages, prose, root, type Page } from './pages.js'

interface Link {
  readonly at: string
  readonly to: string
}

function linksOf(page: Page): readonly Link[] {
  const text = prose(page).replaceAll(/`[^`\n]*`/g, '')
  return [...text.matchAll(/\]\(([^()\s]+)\)|\b(?:src|href)="([^"]+)"/g)].map(
    ({ index, 1: link, 2: source }) => ({
      at: `${page.path}:${text.slice(0, index).split('\n').length}`,
      to: link ?? source ?? '',
    }),
  )
}

/** As GitHub makes them of headings: the second of two alike gets a number. */
function anchorsOf(page: Page): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const plain = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
  return new Set(anchors)
}

function problemWith(from: string, to: string): string | undefined {
  if (/^(https?|mailto):/.test(to)) return undefined
  const [file = '', anchor] = to.split('#')
  const path = file === '' ? from : relative('.', join(dirname(from), file))
  if (!existsSync(join(root, path))) return 'there is no such file'
  if (anchor === undefined) return undefined
  if (!path.endsWith('.md')) return 'an anchor in what is no page'
  return anchorsOf({ path, text: readFileSync(join(root, path), 'utf8') }).has(anchor)
    ? undefined
    : `no heading of ${path} is called that`
}

describe('links between pages', () => {
  test('lead somewhere', () => {
    const wrong = pages.flatMap((page) =>
      linksOf(page).flatMap(({ at, to }) => {
        const problem = problemWith(page.path, to)
        return problem === undefined ? [] : [`${at}: ${to}: ${problem}`]
      }),
    )
    expect(wrong).toEqual([])
    expect(pages.flatMap(linksOf).length).toBeGreaterThan(40)
  })

  test('the index has every page of docs/', () => {
    const index = pages.filter(({ path }) => path === 'docs/README.md').flatMap(linksOf)
    const linked = new Set(index.map(({ to }) => join('docs', to.split('#')[0] ?? '')))
    const all = pages.map(({ path }) => path).filter((path) => /^docs\/(?!decisions\/|README)/.test(path))
    expect(all.filter((path) => !linked.has(path))).toEqual([])
    expect(all.length).toBeGreaterThan(25)
  })

  test.each([
    ['docs/a.md', 'nowhere.md', 'there is no such file'],
    ['docs/a.md', 'ssh.md#no-such', 'no heading of docs/ssh.md is called that'],
    ['docs/a.md', '../LICENSE#x', 'an anchor in what is no page'],
    ['docs/a.md', 'ssh.md#host-keys', undefined],
    ['README.md', 'docs/decisions', undefined],
  ])('%s -> %s: %s', (from, to, problem) => {
    expect(problemWith(from, to)).toBe(problem)
  })
})
