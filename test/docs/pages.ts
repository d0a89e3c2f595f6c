/** The pages that people read: the README, docs/, and what lies beside the examples. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Page {
  /** Relative to the root of the repository. */
  readonly path: string
  readonly text: string
}

export const pages: readonly Page[] = [
  ...readdirSync(root),
  ...['docs', 'examples', 'bench'].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((path) => `${room}/${path}`),
  ),
]
  .filter((path) => path.endsWith('.md') && !path.includes('node_modules/'))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

export interface Block {
  /** `docs/ssh.md:12`. */
  readonly at: string
  /** What stands behind the opening fence; empty: nothing. */
  readonly language: string
  readonly text: string
}

/** Fenced blocks, also those inside of lists. */
export function blocks({ path, text }: Page): readonly Block[] {
  return [...text.matchAll(/^( *)```(\w*)[^\n]*\n([^]*?)^ *```$/gm)].map(
    ({ index, 1: indent = '', 2: language = '', 3: inside = '' }) => ({
      at: `${path}:${text.slice(0, index).split('\n').length}`,
      language,
      text: inside.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  )
}

export interface Span {
  readonly at: string
  readonly text: string
}

/** Text without its blocks; the lines stay where they are. */
export function prose({ text }: Page): string {
  return text.replaceAll(/^ *```[^]*?^ *```$/gm, (block) => block.replaceAll(/[^\n]/g, ''))
}

/** Inline code. */
export function spans(page: Page): readonly Span[] {
  const text = prose(page)
  return [...text.matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map(({ index, 1: inside = '' }) => ({
    at: `${page.path}:${text.slice(0, index).split('\n').length}`,
    text: inside.replaceAll('\\|', '|').replaceAll(/\s+/g, ' ').trim(),
  }))
}
