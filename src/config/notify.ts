import type { SecretText } from './secret.js'

/** Who is told of a deploy: what the schema makes of the config's `notify`. */

/** `started`, and the ways in which what was started ends. */
export const noticeEvents = ['started', 'succeeded', 'failed', 'rolled-back', 'aborted'] as const
export type NoticeEvent = (typeof noticeEvents)[number]

export type NotifyTarget = {
  readonly on: readonly NoticeEvent[]
  /** Milliseconds for one notification. */
  readonly timeout: number
} & NotifyChannel

export type NotifyChannel =
  | { readonly kind: 'slack-webhook'; readonly url: SecretText }
  | {
      readonly kind: 'slack-bot'
      readonly token: SecretText
      readonly channel: string
      /** How the end of a deploy is told: below its beginning, or in its place. */
      readonly ending: 'thread' | 'update'
      /** Where Slack's API is, without a slash at the end. */
      readonly api: string
    }
  | {
      readonly kind: 'webhook'
      readonly url: SecretText
      readonly headers: Readonly<Record<string, SecretText>>
      /** Signs what is sent. */
      readonly secret?: SecretText
    }
  | {
      readonly kind: 'command'
      readonly run: string
      readonly env: Readonly<Record<string, SecretText>>
    }

/** What is secret in these, although the config has it as plain text: whoever knows a webhook's URL can post to it. */
export function writtenSecrets(targets: readonly NotifyTarget[] = []): readonly string[] {
  return targets
    .flatMap((target): readonly (SecretText | undefined)[] => {
      if (target.kind === 'slack-webhook') return [target.url]
      if (target.kind === 'slack-bot') return [target.token]
      if (target.kind === 'webhook') return [target.url, target.secret]
      return []
    })
    .filter((value) => typeof value === 'string')
    .flatMap(secretParts)
}

/** Of a URL also what alone would give it away where a program names only a part: long segments, values of the query. */
export function secretParts(secret: string): readonly string[] {
  if (!/^https?:/i.test(secret) || !URL.canParse(secret)) return [secret]
  const { pathname, searchParams } = new URL(secret)
  const segments = pathname.split('/').filter((part) => part.length >= 16)
  const values = [...searchParams.values()].filter((value) => value.length >= 8)
  return [secret, ...segments, ...values]
}
