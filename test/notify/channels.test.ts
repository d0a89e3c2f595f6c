import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { slackBot, slackWebhook, webhook, type Channel } from '../../src/notify/channels.js'
import type { Notice } from '../../src/notify/notice.js'
import { failed, started, succeeded } from './examples.js'
import { receiver, slackApi } from './server.js'

const never = new AbortController().signal

async function tell(channel: Channel, ...notices: readonly Notice[]): Promise<void> {
  for (const notice of notices) await channel.send(notice, never)
}

describe('an incoming webhook of Slack', () => {
  test('each notice is a message, in which nothing is looked for', async () => {
    const slack = await receiver()
    await tell(slackWebhook({ url: `${slack.url}/services/T/B/x` }), started, succeeded)
    expect(slack.requests.map(({ path }) => path)).toEqual(['/services/T/B/x', '/services/T/B/x'])
    const [first] = slack.sent()
    expect(first?.['text']).toContain('*started*')
    expect(first).toMatchObject({
      parse: 'none',
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
    })
    expect(slack.requests[0]?.headers['content-type']).toContain('application/json')
  })
})

describe('a bot of Slack', () => {
  const bot = (api: string, ending: 'thread' | 'update'): Channel =>
    slackBot({ token: 'xoxb-1', channel: '#deploys', ending, api })

  test('answers its own message with the end, and shows it in the channel when it is bad', async () => {
    const slack = await slackApi()
    await tell(bot(slack.url, 'thread'), started, failed)
    expect(slack.requests.map(({ path }) => path)).toEqual(['/chat.postMessage', '/chat.postMessage'])
    expect(slack.requests[0]?.headers.authorization).toBe('Bearer xoxb-1')
    const [first, second] = slack.sent()
    expect(first).toMatchObject({ channel: '#deploys' })
    expect(first?.['text']).toContain('*started*')
    expect(second?.['text']).toContain('*rolled-back*')
    expect(second).toMatchObject({
      channel: 'C1',
      thread_ts: '1.0',
      reply_broadcast: true,
    })
    await tell(bot(slack.url, 'thread'), started, succeeded)
    expect(slack.sent()[3]).not.toHaveProperty('reply_broadcast')
  })

  test('changes its message', async () => {
    const slack = await slackApi()
    await tell(bot(slack.url, 'update'), started, succeeded)
    expect(slack.requests[1]?.path).toBe('/chat.update')
    expect(slack.sent()[1]).toMatchObject({ channel: 'C1', ts: '1.0', parse: 'none' })
  })

  test('writes a new one where the first can not be changed, or was never written', async () => {
    const slack = await slackApi({ 'chat.update': 'message_not_found' })
    await tell(bot(slack.url, 'update'), started, succeeded)
    expect(slack.requests.map(({ path }) => path)).toEqual([
      '/chat.postMessage',
      '/chat.update',
      '/chat.postMessage',
    ])
    expect(slack.sent()[2]).toMatchObject({ channel: '#deploys' })
    await tell(bot(slack.url, 'update'), succeeded)
    expect(slack.requests.at(-1)?.path).toBe('/chat.postMessage')
  })

  test('what Slack refuses is a failure, with what to do', async () => {
    const slack = await slackApi({ 'chat.postMessage': 'not_in_channel' })
    await expect(tell(bot(slack.url, 'thread'), started)).rejects.toThrow(
      'Slack refused it: not_in_channel. Invite the bot to the channel',
    )
  })
})

describe('a webhook', () => {
  test('gets the notice as JSON, signed over exactly these bytes', async () => {
    const server = await receiver()
    const hook = webhook({ url: `${server.url}/hook`, headers: { Authorization: 'key 1' }, secret: 's3cret' })
    await tell(hook, failed)
    const [request] = server.requests
    expect(server.sent()[0]).toEqual(failed)
    expect(request?.headers).toMatchObject({
      authorization: 'key 1',
      'x-deliver-event': 'rolled-back',
      'x-deliver-id': 'n2',
      'x-deliver-signature': `sha256=${createHmac('sha256', 's3cret')
        .update(request?.body ?? '')
        .digest('hex')}`,
    })
  })

  test('without a secret it has no signature, and headers of the config win', async () => {
    const server = await receiver()
    await tell(webhook({ url: server.url, headers: { 'Content-Type': 'text/json' } }), started)
    expect(server.requests[0]?.headers).not.toHaveProperty('x-deliver-signature')
    expect(server.requests[0]?.headers['content-type']).toBe('text/json')
  })

  test.each([
    [500, 'broken', 'answered 500: broken'],
    [404, '', 'answered 404'],
    [302, '', 'answered 302: redirects are not followed'],
    [429, 'slow down', 'answered 429: too many messages; again in 7 s'],
  ])('an answer of %i', async (status, body, says) => {
    const server = await receiver((response) => {
      response.writeHead(status, { 'retry-after': '7', location: 'http://127.0.0.1:1/elsewhere' }).end(body)
    })
    await expect(tell(webhook({ url: server.url, headers: {} }), started)).rejects.toThrow(says)
    expect(server.requests).toHaveLength(1)
  })

  test('nobody there, and a wrong address: without the address, which is a secret', async () => {
    const gone = await receiver()
    await gone.close()
    const told = (url: string) =>
      tell(webhook({ url, headers: {} }), started).catch((error: unknown) => String(error))
    expect(await told(`${gone.url}/secret-path`)).toBe('Error: no connection (ECONNREFUSED)')
    expect(await told('no url, but secret')).toBe(
      'Error: its address or a header is malformed (ERR_INVALID_URL)',
    )
    expect(await told('ftp://secret.example')).toContain('ERR_INVALID_PROTOCOL')
  })

  test('a header that would begin another line is refused, unseen', async () => {
    const server = await receiver()
    const hook = webhook({ url: server.url, headers: { 'X-Key': 'secret\r\nX-Other: 1' } })
    await expect(tell(hook, started)).rejects.toThrow(/^a header has characters that none may have$/)
    expect(server.requests).toEqual([])
  })

  test('an answer without an end is not read to it', async () => {
    const server = await receiver((response) => {
      const more = setInterval(() => response.write('x'.repeat(20_000)), 1)
      response.on('close', () => clearInterval(more))
    })
    await tell(webhook({ url: server.url, headers: {} }), started)
    expect(server.requests).toHaveLength(1)
  })
})
