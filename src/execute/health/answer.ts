import type { HealthConfig } from '../../config/types.js'
import type { Probe } from './probe.js'

type HttpCheck = Extract<HealthConfig['check'], { kind: 'http' }>

/** What an HTTP server said; its body up to a limit. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
  /** Whether there was more of the body. */
  readonly cut: boolean
}

/** A value of a host in a message. */
const longest = 128

/** Whether an answer is that of a healthy app, of this release where answers name one. */
export function judge(answer: HttpAnswer, check: HttpCheck, release: string | undefined): Probe {
  const because = wrongStatus(answer, check) ?? wrongRelease(answer, check, release) ?? lacks(answer, check)
  return because === undefined ? { ok: true } : { ok: false, because }
}

function wrongStatus({ status, headers }: HttpAnswer, check: HttpCheck): string | undefined {
  if (check.status.includes(status)) return undefined
  if (status < 300 || status >= 400) return `answered ${status}, not ${check.status.join(' or ')}`
  const to = one(headers['location'])
  return `${status} redirects to ${to === undefined ? 'nowhere' : shown(to)}; a redirect is not health`
}

function wrongRelease(
  { headers, body, cut }: HttpAnswer,
  { release: where }: HttpCheck,
  release: string | undefined,
): string | undefined {
  if (where === undefined || release === undefined) return undefined
  if ('body' in where) {
    if (names(body, release)) return undefined
    const part = cut ? 'the first 64 KiB of the answer do' : 'the answer does'
    return `${part} not name ${release}: the old process answers, or the app does not tell its release`
  }
  const told = one(headers[where.header.toLowerCase()])?.trim()
  if (told === release) return undefined
  if (told === undefined || told === '') return `the answer has no ${where.header} that names its release`
  return `the answer is of ${shown(told)}, not of ${release}: the old process answers`
}

function lacks({ body, cut }: HttpAnswer, { contains }: HttpCheck): string | undefined {
  if (contains === undefined || body.includes(contains)) return undefined
  return `${cut ? 'the first 64 KiB of the answer lack' : 'the answer lacks'} "${contains}"`
}

/** As a word of its own: v1 is not named by v10, v1-rc or api-v1. */
function names(body: string, release: string): boolean {
  const escaped = release.replace(/[^A-Za-z0-9_-]/g, '\\$&')
  return new RegExp(`(?<![A-Za-z0-9._-])${escaped}(?![A-Za-z0-9_-]|[.][A-Za-z0-9])`).test(body)
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value
}

function shown(value: string): string {
  return value.length > longest ? `${value.slice(0, longest)}…` : value
}
