import type { NoticeEvent } from '../config/notify.js'
import { exitCodes } from '../errors.js'

/** What is told of one run, at its beginning and at its end: the JSON of webhooks and commands. Texts are clean. */
export interface Notice {
  readonly version: 1
  /** One for each notification: whoever gets one twice can tell. */
  readonly id: string
  /** One for each run: its beginning and its end share it. */
  readonly run: string
  readonly event: NoticeEvent
  /** `ship` is a deploy with the build before it. */
  readonly command: 'deploy' | 'rollback' | 'ship'
  readonly app: string
  readonly environment: string
  /** Unknown at the beginning of a rollback that names none. */
  readonly release?: string
  /** What the environment was on. */
  readonly previous?: string
  readonly by: string
  readonly job?: string
  readonly jobUrl?: string
  /** ISO 8601. */
  readonly started: string
  /** One sentence. */
  readonly text: string
  /** From here on at the end only. */
  readonly ended?: string
  readonly code?: number
  readonly fix?: string
  /** What became of each host. */
  readonly hosts?: readonly NoticeHost[]
}

export interface NoticeHost {
  readonly host: string
  readonly outcome: string
  readonly because?: string
  readonly runs?: string | null
}

/** How a run ended, by its exit code. */
export function endingOf(code: number): Exclude<NoticeEvent, 'started'> {
  if (code === exitCodes.done) return 'succeeded'
  if (code === exitCodes.rolledBack) return 'rolled-back'
  if (code === exitCodes.interrupted || code === exitCodes.terminated) return 'aborted'
  return 'failed'
}

/** All that a notification tells the commands that it runs. One that has no value is not set, whoever started deliver. */
export const noticeVariables = [
  'DELIVER_EVENT',
  'DELIVER_COMMAND',
  'DELIVER_APP',
  'DELIVER_ENVIRONMENT',
  'DELIVER_RELEASE',
  'DELIVER_PREVIOUS',
  'DELIVER_BY',
  'DELIVER_JOB',
  'DELIVER_JOB_URL',
  'DELIVER_CODE',
  'DELIVER_TEXT',
] as const

/** A system refuses to start a program with too much of them. */
const longestVariable = 8000

export function variablesOf(notice: Notice): Readonly<Record<string, string>> {
  const variables: { readonly [N in (typeof noticeVariables)[number]]: string | undefined } = {
    DELIVER_EVENT: notice.event,
    DELIVER_COMMAND: notice.command,
    DELIVER_APP: notice.app,
    DELIVER_ENVIRONMENT: notice.environment,
    DELIVER_RELEASE: notice.release,
    DELIVER_PREVIOUS: notice.previous,
    DELIVER_BY: notice.by,
    DELIVER_JOB: notice.job,
    DELIVER_JOB_URL: notice.jobUrl,
    DELIVER_CODE: notice.code === undefined ? undefined : String(notice.code),
    DELIVER_TEXT: notice.text,
  }
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      value === undefined || value === ''
        ? []
        : [[name, value.replaceAll('\0', '').slice(0, longestVariable)]],
    ),
  )
}
