import { duration, exactlyOne, secretText, text, z } from '../fields.js'
import * as names from '../names.js'
import type { SecretText } from '../secret.js'
import { noticeEvents, type NotifyChannel, type NotifyTarget } from '../notify.js'

/** Who is told when a deploy begins and ends. */

/** The address is a secret, so no message repeats it. */
const address: names.Rule = (value) => {
  if (!/^https?:\/\/[^/?#\s]/i.test(value) || /\s/.test(value) || !URL.canParse(value))
    return 'is no URL. Write it like https://example.com/hook, or as a secret'
  const { username, password } = new URL(value)
  return username === '' && password === ''
    ? undefined
    : 'carries a login. Send it as a header: notify[].webhook.headers'
}

const token: names.Rule = (value) => {
  if (value.trim() === '') return 'is empty. Write a value, or leave the key out'
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(value) ? 'contains control characters. Remove them' : undefined
}

const slack = z
  .strictObject({
    webhook: secretText(address)
      .exactOptional()
      .describe('URL of an incoming webhook. Beginning and end are messages of their own.'),
    token: secretText(token)
      .exactOptional()
      .describe('Token of a bot that may write (chat:write) to the channel, instead of a webhook.'),
    channel: text(names.oneLine, 'name or id').exactOptional().describe('Channel that the bot writes to.'),
    ending: z
      .enum(['thread', 'update'])
      .exactOptional()
      .describe(
        'How the bot tells the end: thread, as a reply to the beginning (shown in the channel too if it went wrong), or update, in its place. Default: thread.',
      ),
    api: text(address, 'URL').exactOptional().describe("Slack's API. Default: https://slack.com/api."),
  })
  .superRefine((value, context) => {
    const { webhook, token, channel, ending, api } = value
    const wrong = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message })
    if (webhook === undefined && token === undefined)
      wrong([], 'names no way to write. Write webhook, or token and channel')
    if (webhook !== undefined && token !== undefined) wrong([], 'names webhook and token. Keep one of them')
    if (token !== undefined && channel === undefined)
      wrong(['channel'], 'is missing. Write where the bot writes, e.g. C0123456789')
    if (webhook === undefined) return
    for (const [key, given] of Object.entries({ channel, ending, api }))
      if (given !== undefined) wrong([key], 'is for a bot with a token. Remove it')
  })

const webhook = z.strictObject({
  url: secretText(address).describe('What is sent to, by POST with a JSON body.'),
  headers: z
    .record(text(names.headerName), secretText(token))
    .prefault({})
    .describe('Headers of the request.'),
  secret: secretText(token)
    .exactOptional()
    .describe('Key of the signature (HMAC-SHA-256 of the body) in the header X-Deliver-Signature.'),
})

const target = z
  .strictObject({
    slack: slack.exactOptional().describe('A message in Slack: by webhook, or by token and channel.'),
    webhook: webhook.exactOptional().describe('A request to a server of yours.'),
    command: text(names.command, 'shell command')
      .exactOptional()
      .describe('Runs here, in the directory of the config, with DELIVER_ variables and JSON on its input.'),
    env: z
      .record(text(names.variableName), secretText(names.noNul))
      .exactOptional()
      .describe('Variables of the command.'),
    on: z
      .array(z.enum(noticeEvents))
      .min(1, 'is empty. Write the events, or leave the key out')
      .prefault([...noticeEvents])
      .describe('What is told.'),
    timeout: duration()
      .refine((ms) => ms <= 30_000, { error: 'is too long. Write at most 30s' })
      .prefault('5s')
      .describe('How long one notification may take, at most 30s. What takes longer is a warning.'),
  })
  .refine(...exactlyOne(['slack', 'webhook', 'command']))
  .superRefine(({ command, env }, context) => {
    if (env !== undefined && command === undefined)
      context.addIssue({ code: 'custom', path: ['env'], message: 'is for a command. Remove it' })
  })
  .transform(({ on, timeout, ...channel }): NotifyTarget => ({ on, timeout, ...channelOf(channel) }))

export const notify = z.array(target)

interface Written {
  readonly slack?: z.output<typeof slack>
  readonly webhook?: z.output<typeof webhook>
  readonly command?: string
  readonly env?: Readonly<Record<string, SecretText>>
}

/** The refinements have seen to it that one of the kinds is there. */
function channelOf({ slack, webhook, command, env = {} }: Written): NotifyChannel {
  if (slack?.webhook !== undefined) return { kind: 'slack-webhook', url: slack.webhook }
  if (slack !== undefined)
    return {
      kind: 'slack-bot',
      token: slack.token ?? '',
      channel: slack.channel ?? '',
      ending: slack.ending ?? 'thread',
      api: (slack.api ?? 'https://slack.com/api').replace(/\/+$/, ''),
    }
  if (webhook !== undefined) {
    const { url, headers = {}, secret } = webhook
    return { kind: 'webhook', url, headers, ...(secret === undefined ? {} : { secret }) }
  }
  return { kind: 'command', run: command ?? '', env }
}
