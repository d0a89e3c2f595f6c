import type { Cell } from './events.js'
import { sanitiseLine } from './sanitise.js'
import { displayWidth, fit } from './width.js'

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface TableStyle {
  /** Columns of the terminal; undefined: as wide as the content. */
  readonly width?: number | undefined
  /** Colours a cell. It gets the text without padding, so that colours never count as width. */
  readonly paint?: (text: string, tone: Cell['tone']) => string
}

const gap = '  '
const narrowest = 8

/** Lays a table out in aligned columns, headings first. Cells are sanitised; no line ends in spaces. */
export function layOut(
  { columns, rows }: Table,
  { width, paint = (text) => text }: TableStyle = {},
): readonly string[] {
  const headings: readonly Cell[] = columns.map((text) => ({ text: text.toUpperCase(), tone: 'dim' }))
  const cells = [headings, ...rows].map((row) =>
    columns.map((_, at): Cell => ({ ...row[at], text: sanitiseLine(row[at]?.text ?? '') })),
  )
  const natural = columns.map((_, at) => Math.max(...cells.map((row) => displayWidth(row[at]?.text ?? ''))))
  const widths = width === undefined ? natural : narrowed(natural, width - gap.length * (columns.length - 1))
  return cells.map((row) => lineOf(row, widths, paint))
}

function lineOf(
  row: readonly Cell[],
  widths: readonly number[],
  paint: NonNullable<TableStyle['paint']>,
): string {
  let line = ''
  let owed = ''
  for (const [at, { text, tone }] of row.entries()) {
    const fitted = fit(text, widths[at] ?? 0)
    if (fitted !== '') {
      line += owed + paint(fitted, tone)
      owed = ''
    }
    owed += ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(fitted))) + gap
  }
  return line
}

/** Takes from the widest columns until all fit, or until none can give more. */
function narrowed(natural: readonly number[], room: number): readonly number[] {
  const widths = [...natural]
  for (;;) {
    const excess = widths.reduce((sum, width) => sum + width, 0) - room
    const widest = Math.max(...widths)
    if (excess <= 0 || widest <= narrowest) return widths
    const next = Math.max(narrowest, ...widths.filter((width) => width < widest))
    const at = widths.indexOf(widest)
    widths[at] = Math.max(next === widest ? narrowest : Math.min(next, widest - 1), widest - excess)
  }
}
