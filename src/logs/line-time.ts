/** A line of a log and when it was written, in ms since 1970 with fractions; undefined: it doesn't say. */
export interface LogEntry {
  readonly text: string
  readonly at: number | undefined
}

const unix = /^(\d{9,11}\.\d{6}) /
const iso = /(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?/
const jsonTime = /"(?:time|timestamp|ts)":(\d{10}(?:\.\d+)?|\d{13})\b/

/** Where in a line a time may begin; what comes later is part of a message. */
const searched = 200

/** A line of `journalctl -o short-unix`; the number is made readable. */
export function journalEntry(line: string): LogEntry {
  const seconds = unix.exec(line)?.[1]
  if (seconds === undefined) return { text: line, at: undefined }
  const at = Number(seconds) * 1000
  return { text: `${new Date(at).toISOString()} ${line.slice(seconds.length + 1)}`, at }
}

/** A line of a file: the first ISO 8601 time in it counts, or the number that JSON loggers write. Without a zone it is UTC. */
export function fileEntry(line: string): LogEntry {
  const start = line.slice(0, searched)
  const json = start.startsWith('{') ? jsonTime.exec(start)?.[1] : undefined
  if (json !== undefined) return { text: line, at: Number(json) * (json.length === 13 ? 1 : 1000) }
  const [, day, time, fraction = '0', zone = 'Z'] = iso.exec(start) ?? []
  if (day === undefined || time === undefined) return { text: line, at: undefined }
  const whole = Date.parse(
    `${day}T${time}${zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone}`,
  )
  return { text: line, at: Number.isNaN(whole) ? undefined : whole + Number(`0.${fraction}`) * 1000 }
}
