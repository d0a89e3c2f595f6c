import { describe, expect, test } from 'vitest'
import { secretParts, writtenSecrets } from '../../src/config/notify.js'
import { resolveConfig } from '../../src/config/resolve.js'

const resolve = (notify: unknown) =>
  resolveConfig({ exported: { app: 'api', notify }, environment: undefined, overrides: [] })

const told = (notify: unknown): readonly string[] =>
  resolve(notify).problems.map(({ path, text }) => `${path.join('.')}: ${text}`)

test('what may be left out', () => {
  const { config, problems } = resolve([
    { slack: { webhook: { secret: { env: 'HOOK' } } } },
    { slack: { token: 'xoxb', channel: '#a', api: 'https://slack.example/api/' }, on: ['failed'] },
    { webhook: { url: 'https://a.example/x' }, timeout: '30s' },
    { command: 'tell' },
  ])
  expect(problems).toEqual([])
  const on = ['started', 'succeeded', 'failed', 'rolled-back', 'aborted']
  expect(config?.notify).toEqual([
    { kind: 'slack-webhook', url: { secret: { env: 'HOOK' } }, on, timeout: 5000 },
    {
      ...{ kind: 'slack-bot', token: 'xoxb', channel: '#a', ending: 'thread' },
      ...{ api: 'https://slack.example/api', on: ['failed'], timeout: 5000 },
    },
    { kind: 'webhook', url: 'https://a.example/x', headers: {}, on, timeout: 30_000 },
    { kind: 'command', run: 'tell', env: {}, on, timeout: 5000 },
  ])
})

describe('what is wrong is told by its place, and never with what is secret', () => {
  test.each([
    [[{}], 'notify.0: names no kind. Write one of slack, webhook or command'],
    [[{ slack: {}, command: 'x' }], 'notify.0: names slack and command. Keep one of them'],
    [[{ slack: {} }], 'notify.0.slack: names no way to write. Write webhook, or token and channel'],
    [
      [{ slack: { token: 'x' } }],
      'notify.0.slack.channel: is missing. Write where the bot writes, e.g. C0123456789',
    ],
    [
      [{ slack: { webhook: 'https://a.example', channel: '#a' } }],
      'notify.0.slack.channel: is for a bot with a token. Remove it',
    ],
    [
      [{ webhook: { url: 'hooks.example/secret' } }],
      'notify.0.webhook.url: is no URL. Write it like https://example.com/hook, or as a secret',
    ],
    [
      [{ webhook: { url: 'https://me:secret@a.example' } }],
      'notify.0.webhook.url: carries a login. Send it as a header: notify[].webhook.headers',
    ],
    [
      [{ webhook: { url: 'https://a.example', secret: 'secret\n' } }],
      'notify.0.webhook.secret: contains control characters. Remove them',
    ],
    [[{ command: 'x', on: ['failled'] }], 'notify.0.on.0: "failled" is not a choice. Did you mean "failed"?'],
    [[{ command: 'x', timeout: '5m' }], 'notify.0.timeout: is too long. Write at most 30s'],
    [[{ webhook: { url: 'https://a.example' }, env: {} }], 'notify.0.env: is for a command. Remove it'],
    [[{ comand: 'x' }], 'notify.0.comand: unknown key. Did you mean "command"?'],
    [[{ slack: { chanel: 'x' } }], 'notify.0.slack.chanel: unknown key. Did you mean "channel"?'],
  ])('%j', (notify, problem) => {
    expect(told(notify)).toContain(problem)
    expect(told(notify).join()).not.toContain('me:secret')
  })
})

test('addresses and tokens that are written as they are count as secrets, and so do their telling parts', () => {
  const { config } = resolve([
    { slack: { webhook: 'https://hooks.example/services/T0/B0/0123456789abcdef0123' } },
    { slack: { token: 'xoxb-1', channel: '#a' } },
    { webhook: { url: { secret: { env: 'URL' } }, secret: 'key' } },
    { command: 'tell' },
  ])
  expect(writtenSecrets(config?.notify)).toEqual([
    'https://hooks.example/services/T0/B0/0123456789abcdef0123',
    '0123456789abcdef0123',
    'xoxb-1',
    'key',
  ])
  expect(secretParts('https://a.example/hook?key=0123456789&n=1')).toEqual([
    'https://a.example/hook?key=0123456789&n=1',
    '0123456789',
  ])
})
