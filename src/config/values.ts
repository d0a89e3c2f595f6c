import type { BatchSize } from './types.js'

/** A value read from text, or what is wrong with it and what would be right. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }

const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const
const unitNames = ['d', 'h', 'm', 's', 'ms'] as const

/** Node's timers wrap round beyond this and fire at once. */
const longest = 2 ** 31 - 1

/** `90s`, `1m30s`, `500ms`, `1.5h` in milliseconds. Units fall from left to right, each at most once. */
export function parseDuration(text: string): Parsed<number> {
  const form = /^(?:([\d.]+)d)?(?:([\d.]+)h)?(?:([\d.]+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?$/.exec(
    text.trim(),
  )
  if (/^\d+(\.\d+)?$/.test(text.trim())) return wrong(`${shown(text)} has no unit. Write ${text.trim()}s`)
  if (form === null || text.trim() === '')
    return wrong(`${shown(text)} is no duration. Write it like 90s, 1m30s or 500ms`)
  let total = 0
  for (const [index, unit] of unitNames.entries()) {
    const amount = form[index + 1]
    if (amount === undefined) continue
    if (!/^\d+(\.\d+)?$/.test(amount))
      return wrong(`${shown(text)} is no duration. Write it like 90s, 1m30s or 500ms`)
    total += Number(amount) * units[unit]
  }
  if (total > longest) return wrong(`${shown(text)} is too long. Write at most 24d`)
  return { ok: true, value: Math.round(total) }
}

/** The shortest spelling that `parseDuration` reads back as the same number. */
export function formatDuration(ms: number): string {
  let rest = ms
  let text = ''
  for (const unit of unitNames) {
    const amount = Math.floor(rest / units[unit])
    rest -= amount * units[unit]
    if (amount > 0) text += `${amount}${unit}`
  }
  return text === '' ? '0s' : text
}

const sizeFix = 'Write a count of hosts such as 2, or a share of the fleet such as "25%"'
const mostBatches = 20

/** `2` or `25%`. `least` is 0 where none at all makes sense. */
export function parseSize(value: string | number, least: 0 | 1): Parsed<BatchSize> {
  const form = /^(\d{1,6})(%?)$/.exec(String(value).trim())
  const amount = Number(form?.[1])
  if (form === null) return wrong(`${shown(value)} is no number of hosts. ${sizeFix}`)
  if (amount < least) return wrong(`${shown(value)} would never deploy. ${sizeFix}`)
  if (form[2] === '') return { ok: true, value: { count: amount } }
  if (amount > 100) return wrong(`${shown(value)} is more than the whole fleet. ${sizeFix}`)
  return { ok: true, value: { percent: amount } }
}

/** `1`, `25%`, or sizes that grow: `1,5,20%`. */
export function parseBatches(value: string | number): Parsed<readonly BatchSize[]> {
  const parts = String(value).split(',')
  if (parts.length > mostBatches)
    return wrong(`${shown(value)} has more than ${mostBatches} sizes. Write fewer`)
  const sizes: BatchSize[] = []
  for (const part of parts) {
    const size = parseSize(part, 1)
    if (!size.ok) return size
    sizes.push(size.value)
  }
  return { ok: true, value: sizes }
}

export function formatSize(size: BatchSize): string {
  return 'count' in size ? String(size.count) : `${size.percent}%`
}

export function formatBatches(sizes: readonly BatchSize[]): string {
  return sizes.map(formatSize).join(',')
}

/** A value as it may stand in a message: quoted, on one line, short, without control characters. */
export function shown(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const visible = value.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  )
  return `"${visible.length > 80 ? `${visible.slice(0, 80)}…` : visible}"`
}

function wrong(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem }
}
