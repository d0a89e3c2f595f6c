import { createHmac } from 'node:crypto'
import type { Notice } from './notice.js'
import { post, type PostAnswer } from './post.js'
import { slackText } from './slack-text.js'

/** A channel with its secrets read. `send` rejects with an Error that says why it was not told; it ends when the signal does. */
export interface Channel {
  send(notice: Notice, signal: AbortSignal): Promise<void>
}

const json = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'deliver' }

/** Nothing in the text is taken for a name or an address of people, whatever Slack's defaults are. */
const asWritten = { parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false }

/** An incoming webhook: what it wrote can't be changed, so each notice is a message. */
export function slackWebhook({ url }: { readonly url: string }): Channel {
  return {
    async send(notice, signal) {
      const body = JSON.stringify({ text: slackText(notice), ...asWritten })
      mustBeGood(await post({ url, headers: json, body, signal }))
    },
  }
}

export interface SlackBot {
  readonly token: string
  readonly channel: string
  readonly ending: 'thread' | 'update'
  readonly api: string
}

/** A bot: the end of a run is told where its beginning was. */
export function slackBot({ token, channel, ending, api }: SlackBot): Channel {
  let first: { readonly channel: string; readonly ts: string } | undefined

  async function call(
    method: string,
    message: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const headers = { ...json, authorization: `Bearer ${token}` }
    const body = JSON.stringify({ ...message, ...asWritten })
    const answer = await post({ url: `${api}/${method}`, headers, body, signal })
    mustBeGood(answer)
    return fieldsOf(answer.body)
  }

  async function write(message: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
    const answer = await call('chat.postMessage', message, signal)
    if (answer['ok'] !== true) throw new Error(refusal(answer))
    const { ts, channel: where } = answer
    if (typeof ts === 'string' && typeof where === 'string') first ??= { ts, channel: where }
  }

  return {
    async send(notice, signal) {
      const text = slackText(notice)
      if (first === undefined) return write({ channel, text }, signal)
      if (ending === 'update') {
        const answer = await call('chat.update', { ...first, text }, signal)
        // Refused, so nobody has seen it: the beginning was removed, or is too old to be changed.
        return answer['ok'] === true ? undefined : write({ channel, text }, signal)
      }
      const alarming = notice.event !== 'succeeded'
      const thread = { channel: first.channel, thread_ts: first.ts }
      return write({ ...thread, text, ...(alarming ? { reply_broadcast: true } : {}) }, signal)
    },
  }
}

export interface Webhook {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly secret?: string | undefined
}

export function webhook({ url, headers, secret }: Webhook): Channel {
  return {
    async send(notice, signal) {
      const body = JSON.stringify(notice)
      const signature = secret === undefined ? {} : { 'x-deliver-signature': signatureOf(body, secret) }
      const own = { ...json, 'x-deliver-event': notice.event, 'x-deliver-id': notice.id }
      const theirs = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      )
      if (Object.values(theirs).some((value) => /[^\t\x20-\x7e\x80-\xff]/.test(value)))
        throw new Error('a header has characters that none may have')
      mustBeGood(await post({ url, headers: { ...own, ...theirs, ...signature }, body, signal }))
    },
  }
}

/** Of exactly the bytes of the body. */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

function mustBeGood({ status, headers, body }: PostAnswer): void {
  if (status >= 200 && status < 300) return
  if (status >= 300 && status < 400)
    throw new Error(`answered ${status}: redirects are not followed, so the address must be the last one`)
  const wait = status === 429 ? headers['retry-after'] : undefined
  const said = body.trim().slice(0, 200)
  const more =
    wait === undefined ? (said === '' ? '' : `: ${said}`) : `: too many messages; again in ${wait} s`
  throw new Error(`answered ${status}${more}`)
}

/** Slack answers 200 to what it refuses. */
function refusal(answer: Readonly<Record<string, unknown>>): string {
  const error = typeof answer['error'] === 'string' ? answer['error'].slice(0, 100) : 'no reason'
  const fix: Readonly<Record<string, string>> = {
    not_in_channel: '. Invite the bot to the channel',
    channel_not_found: '. Check the channel, and invite the bot if it is private',
    invalid_auth: '. Check the token',
    missing_scope: '. Give the bot the scope chat:write',
  }
  return `Slack refused it: ${error}${fix[error] ?? ''}`
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // As below.
  }
  throw new Error('its answer is no JSON')
}
