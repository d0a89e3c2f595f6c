import type { Cell } from '../events.js'
import type { Paint } from '../paint.js'
import { displayWidth, fit } from '../width.js'

/** A piece of a line. Colour is put on after it was cut, so that it never counts as width. */
export interface Segment {
  readonly text: string
  readonly tone?: Cell['tone']
}

/** Puts pieces together to a line of at most `width` columns; the piece that doesn't fit is cut, what follows it goes. */
export function compose(segments: readonly Segment[], width: number, paint: Paint): string {
  return fitted(segments, width)
    .map(({ text, tone }) => (text.trim() === '' ? text : paint.tone(text, tone)))
    .join('')
    .trimEnd()
}

function fitted(segments: readonly Segment[], width: number): readonly Segment[] {
  let left = width
  return segments.flatMap((segment) => {
    if (left <= 0) return []
    const text = fit(segment.text, left)
    left -= displayWidth(text)
    return [{ ...segment, text }]
  })
}

/** As `compose`, with a piece at the right end if there is room for it. */
export function composeWide(
  segments: readonly Segment[],
  right: Segment,
  { width, paint }: { readonly width: number; readonly paint: Paint },
): string {
  const end = displayWidth(right.text)
  const room = width - end - 2
  if (room < 20) return compose(segments, width, paint)
  if (end === 0) return compose(segments, room, paint)
  const kept = fitted(segments, room)
  const used = kept.reduce((sum, { text }) => sum + displayWidth(text), 0)
  const gap: Segment = { text: ' '.repeat(width - end - used) }
  return compose([...kept, gap, right], width, paint)
}

export function padded(text: string, width: number): string {
  const kept = fit(text, width)
  return kept + ' '.repeat(Math.max(0, width - displayWidth(kept)))
}
