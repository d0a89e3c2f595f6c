import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { deliver, type Finished } from '../integration/rig/deliver.js'
import { receiver, slackApi, type Receiver } from '../notify/server.js'
import { Place } from './place.js'

let place: Place
let number = 0

beforeAll(async () => {
  place = await Place.create(2)
  const { code, output } = await place.ship('start')
  expect(code, output).toBe(0)
}, 120_000)

afterEach(() => place.configure({}))

const webhook = (server: Receiver, more: object = {}) => ({
  webhook: { url: `${server.url}/hook`, headers: { authorization: 'key' } },
  ...more,
})

const told = (server: Receiver): readonly unknown[] => server.sent().map(({ event }) => event)

async function nextRelease(health: 'healthy' | 'broken' = 'healthy'): Promise<string> {
  const release = `n${++number}`
  await place.publish(release, health)
  return release
}

describe('each run has a beginning and one end', { timeout: 120_000 }, () => {
  test('ship, to all that the config names: webhook, Slack twice, command', async () => {
    const [server, slack, bot] = [await receiver(), await receiver(), await slackApi()]
    place.configure({
      notify: [
        webhook(server),
        { slack: { webhook: `${slack.url}/services/T0/B0/x` } },
        { slack: { token: 'xoxb-token', channel: '#deploys', api: bot.url } },
        { command: 'cat >>../notices; printf "%s %s\\n" "$DELIVER_EVENT" "$DELIVER_RELEASE" >>../events' },
        webhook(slack, { on: ['failed'] }),
      ],
    })
    const release = `n${++number}`
    const ended = await place.ship(release)
    expect(ended.code, ended.output).toBe(0)
    expect(ended.output).not.toContain('was not told')
    expect(told(server)).toEqual(['started', 'succeeded'])
    const [first, last] = server.sent()
    expect(first).toMatchObject({
      version: 1,
      command: 'ship',
      app: 'hello',
      release,
      environment: 'production',
    })
    expect(last).toMatchObject({
      run: first?.['run'],
      code: 0,
      previous: 'start',
      text: `${release} runs on 2 hosts`,
      hosts: [
        { host: 'web1', outcome: 'done', runs: release },
        { host: 'web2', outcome: 'done', runs: release },
      ],
    })
    expect(slack.requests.map(({ path }) => path)).toEqual(['/services/T0/B0/x', '/services/T0/B0/x'])
    expect(bot.sent().map(({ thread_ts }) => thread_ts)).toEqual([undefined, '1.0'])
    const file = (name: string) =>
      readFileSync(join(place.directory, '..', name), 'utf8')
        .trim()
        .split('\n')
    expect(file('events')).toEqual([`started ${release}`, `succeeded ${release}`])
    expect(file('notices')).toHaveLength(2)
  })

  test('a release that is not healthy: rolled-back; going back by hand: succeeded', async () => {
    const release = await nextRelease('broken')
    const server = await receiver()
    place.configure({ notify: [webhook(server)] })
    const failed = await place.run('deploy', release)
    expect(failed.code, failed.output).toBe(5)
    expect(told(server)).toEqual(['started', 'rolled-back'])
    expect(server.sent()[1]).toMatchObject({ code: 5, command: 'deploy' })
    expect(JSON.stringify(server.sent()[1]?.['hosts'])).toContain('answered 500')

    const back = await place.run('rollback', 'start')
    expect(back.code, back.output).toBe(0)
    expect(told(server).slice(2)).toEqual(['started', 'succeeded'])
    expect(server.sent()[3]).toMatchObject({ command: 'rollback', release: 'start' })
  })

  test('a build that fails: failed, and nothing of a deploy', async () => {
    const server = await receiver()
    place.configure({ notify: [webhook(server)], build: { setup: 'exit 9' } })
    const ended = await place.ship(`n${++number}`)
    expect(ended.code, ended.output).toBe(1)
    expect(told(server)).toEqual(['started', 'failed'])
    expect(String(server.sent()[1]?.['text'])).toContain('exit code 9')
  })

  test.each([
    ['SIGINT', 'staging', 130],
    ['SIGTERM', 'settling', 143],
  ] as const)('%s while %s: aborted', async (signal, state, code) => {
    const release = await nextRelease()
    const server = await receiver()
    place.configure({ notify: [webhook(server)] })
    const running = place.start('deploy', release)
    await running.seen(new RegExp(`"state":"${state}"`))
    running.process.kill(signal)
    const ended = await running.finished
    expect(ended.code, ended.output).toBe(code)
    expect(told(server)).toEqual(['started', 'aborted'])
    expect(server.sent()[1]).toMatchObject({ code })
  })

  test('what never began tells nothing: a dry run, no such release, wrong options, another one at work', async () => {
    const release = await nextRelease()
    const server = await receiver()
    place.configure({ notify: [webhook(server)] })
    expect(await place.run('deploy', release, '--dry-run')).toMatchObject({ code: 0 })
    expect(await place.run('deploy', 'never-built')).toMatchObject({ code: 8 })
    expect(await place.run('deploy', release, '--batch', 'many')).toMatchObject({ code: 2 })
    expect(server.requests).toEqual([])
    const first = place.start('deploy', release)
    await first.seen(/"state":"probing"|"state":"connecting"/)
    expect(await place.run('deploy', release)).toMatchObject({ code: 3 })
    expect((await first.finished).code).toBe(0)
    expect(told(server)).toEqual(['started', 'succeeded'])
  })
})

describe('nobody waits for who is told', { timeout: 120_000 }, () => {
  test('a server that answers the beginning only when all is done', async () => {
    const release = await nextRelease()
    let answer = (): void => undefined
    const done = new Promise<void>((resolve) => (answer = resolve))
    const server = await receiver((response) => void done.then(() => response.end()))
    place.configure({ notify: [webhook(server, { timeout: '30s' })] })
    const running = place.start('deploy', release)
    await running.seen(/"type":"outcome"/)
    expect(told(server)).toEqual(['started'])
    answer()
    const ended = await running.finished
    expect(ended.code, ended.output).toBe(0)
    expect(told(server)).toEqual(['started', 'succeeded'])
  })

  test('servers that hang, fail or are not there: warnings, the exit code of the deploy, and its lock is free', async () => {
    const release = await nextRelease()
    const [silent, broken, gone] = [
      await receiver(() => undefined),
      await receiver((response, { headers }) => {
        response.writeHead(500).end(`no such key: ${headers.authorization ?? ''}`)
      }),
      await receiver(),
    ]
    await gone.close()
    place.configure({
      notify: [
        webhook(silent, { timeout: '200ms' }),
        webhook(broken),
        webhook(gone),
        { command: 'echo "no mail program"; exit 4' },
        { command: 'sleep 60', timeout: '200ms' },
        { slack: { webhook: { secret: 'NO_SUCH_VARIABLE' } } },
      ],
    })
    const ended = await place.run('deploy', release)
    expect(ended.code, ended.output).toBe(0)
    for (const says of [
      'notify[0] (webhook): succeeded was not told: no answer in time',
      'notify[1] (webhook): succeeded was not told: answered 500',
      'notify[2] (webhook): succeeded was not told: no connection (ECONNREFUSED)',
      'notify[3] (command): succeeded was not told: failed with exit code 4: no mail program',
      'notify[4] (command): succeeded was not told: no answer in time',
      'NO_SUCH_VARIABLE',
    ])
      expect(ended.output).toContain(says)
    place.configure({})
    expect(await place.run('deploy', release)).toMatchObject({ code: 0 })
  })
})

test(
  'addresses and tokens are shown nowhere, and names from outside steer nothing',
  { timeout: 120_000 },
  async () => {
    const release = await nextRelease('broken')
    const path = 'services/T0123/B0123/abcdefghijklmnopqrstuvwx'
    const echo = await receiver((response, request) => {
      response.writeHead(500).end(`${request.path} ${JSON.stringify(request.headers)}`)
    })
    const [slack, bot] = [await receiver(), await slackApi()]
    place.configure({
      notify: [
        { slack: { webhook: `${echo.url}/${path}` } },
        {
          webhook: {
            url: { secret: 'HOOK_URL' },
            headers: { 'x-key': { secret: 'HOOK_KEY' } },
            secret: 'hmac-of-the-hook',
          },
        },
        { slack: { token: { secret: 'SLACK_TOKEN' }, channel: 'C1', api: bot.url } },
        { slack: { webhook: slack.url } },
      ],
      hooks: { afterStage: 'echo "$HOOK_KEY"' },
    })
    const env = {
      HOOK_URL: `${echo.url}/hook?token=token-in-the-query`,
      HOOK_KEY: 'key-of-the-hook',
      SLACK_TOKEN: 'xoxb-1234567890',
      JOB_NAME: 'feature/<!channel>|`x`',
      BUILD_NUMBER: '7',
    }
    const secrets = [
      'abcdefghijklmnopqrstuvwx',
      'token-in-the-query',
      'key-of-the-hook',
      'xoxb-1234567890',
      'hmac-of',
    ]
    const outputs: Finished[] = []
    for (const mode of ['--json', '--debug']) {
      const args = [mode, 'deploy', release, '--junit', '../out.xml', '--report', '../out.html']
      outputs.push(await deliver(args, { cwd: place.directory, env }))
    }
    for (const { code, output } of outputs) {
      expect(code, output).toBe(5)
      expect(output).toContain('answered 500')
      for (const secret of secrets) expect(output).not.toContain(secret)
    }
    const files = ['out.xml', 'out.html'].map((name) => join(place.directory, '..', name))
    const history = join(place.store, 'hello', 'production', 'history')
    for (const file of [...files, ...readdirSync(history).map((name) => join(history, name))])
      for (const secret of secrets) expect(readFileSync(file, 'utf8')).not.toContain(secret)
    for (const text of [...slack.sent(), ...bot.sent()].map((message) => String(message['text']))) {
      expect(text).not.toContain('<!')
      expect(text).toContain('&lt;!channel&gt;')
    }
    expect(bot.sent()).toHaveLength(4)
  },
)
