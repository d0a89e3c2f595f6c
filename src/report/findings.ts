import type { Cell, ReportedFinding } from './events.js'
import { sanitiseLine, sanitiseLines } from './sanitise.js'
import { displayWidth } from './width.js'

export interface FindingsStyle {
  /** Leaves out what is well. */
  readonly quiet: boolean
  /** Columns of the terminal; undefined: lines are never broken. */
  readonly width?: number | undefined
  readonly paint: (text: string, tone: Cell['tone']) => string
  readonly redact: (text: string) => string
}

interface Shown {
  readonly level: ReportedFinding['level']
  readonly where: string
  readonly text: string
  readonly fix?: string
}

const tones = { ok: 'good', warning: 'strong', problem: 'bad' } as const
const gap = '  '
/** Columns for text below which breaking lines would make it worse. */
const narrowest = 30

/** One line for all that is well in a place, and one for each thing that is not, with what to do about it below. */
export function layOutFindings(
  findings: readonly ReportedFinding[],
  { quiet, width, paint, redact }: FindingsStyle,
): readonly string[] {
  const shown = merged(findings).filter(({ level }) => !quiet || level !== 'ok')
  const clean = (text: string): string => sanitiseLine(redact(text))
  const widest = Math.max(0, ...shown.map(({ where }) => displayWidth(clean(where))))
  const indent = 'problem'.length + gap.length + widest + gap.length
  const room = width === undefined || width - indent < narrowest ? Infinity : width - indent
  return shown.flatMap(({ level, where, text, fix }) => {
    const place = clean(where)
    const head =
      paint(level, tones[level]) +
      ' '.repeat('problem'.length - level.length) +
      gap +
      paint(place, 'strong') +
      ' '.repeat(widest - displayWidth(place)) +
      gap
    const [first = '', ...rest] = linesOf(clean(text), room)
    return [
      head + first,
      ...rest.map((line) => ' '.repeat(indent) + line),
      ...(fix === undefined
        ? []
        : sanitiseLines(redact(fix))
            .flatMap((line) => linesOf(line, room))
            .map((line) => ' '.repeat(indent) + paint(line, 'dim'))),
    ]
  })
}

/** What is well in one place stands together, before what is not. */
function merged(findings: readonly ReportedFinding[]): readonly Shown[] {
  const places = new Map<string, ReportedFinding[]>()
  for (const finding of findings) {
    const where = finding.host ?? finding.area
    places.set(where, [...(places.get(where) ?? []), finding])
  }
  return [...places].flatMap(([where, own]): Shown[] => {
    const well = own.filter(({ level }) => level === 'ok').map(({ text }) => text)
    return [
      ...(well.length === 0 ? [] : [{ level: 'ok' as const, where, text: well.join('; ') }]),
      ...own.filter(({ level }) => level !== 'ok').map((finding) => ({ ...finding, where })),
    ]
  })
}

/** Broken at blanks; a word that is longer than a line stays whole, so that it can be copied. */
function linesOf(text: string, room: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
