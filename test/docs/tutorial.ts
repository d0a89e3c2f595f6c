/** Commands of a page, to be run one block after the other as a reader would. */
import { blocks, type Page } from './pages.js'

export interface Lesson {
  readonly at: string
  readonly text: string
  /** As a comment of the block says it: `# exit code 5`. */
  readonly code: number
}

export function lessonsOf(page: Page): readonly Lesson[] {
  return blocks(page)
    .filter(({ language }) => language === 'sh')
    .map(({ at, text }) => ({ at, text, code: Number(/# exit code (\d+)/.exec(text)?.[1] ?? 0) }))
}
