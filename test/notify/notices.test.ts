import { createServer } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.js'
import { noticeEvents } from '../../src/config/notify.js'
import { exitCodes } from '../../src/errors.js'
import { webhook } from '../../src/notify/channels.js'
import { endingOf } from '../../src/notify/notice.js'
import { Notices, type Listener } from '../../src/notify/notices.js'
import { failed, started, succeeded } from './examples.js'
import { receiver } from './server.js'

const listener = (url: string, change: Partial<Listener> = {}): Listener => ({
  label: 'notify[0] (webhook)',
  on: noticeEvents,
  timeout: 10_000,
  open: () => Promise.resolve(webhook({ url, headers: {} })),
  ...change,
})

function notices(...listeners: readonly Listener[]): { told: Notices; warnings: string[] } {
  const warnings: string[] = []
  return {
    told: new Notices(listeners, { clock: systemClock, warn: (text) => warnings.push(text) }),
    warnings,
  }
}

test.each([
  [exitCodes.done, 'succeeded'],
  [exitCodes.failed, 'failed'],
  [exitCodes.usage, 'failed'],
  [exitCodes.locked, 'failed'],
  [exitCodes.partial, 'failed'],
  [exitCodes.rolledBack, 'rolled-back'],
  [exitCodes.rollbackFailed, 'failed'],
  [exitCodes.noHosts, 'failed'],
  [exitCodes.precondition, 'failed'],
  [exitCodes.interrupted, 'aborted'],
  [exitCodes.terminated, 'aborted'],
])('exit code %i is %s', (code, event) => {
  expect(endingOf(code)).toBe(event)
})

test('each listener hears what it asked for, in order', async () => {
  const [all, bad] = [await receiver(), await receiver()]
  const { told, warnings } = notices(
    listener(all.url),
    listener(bad.url, { on: ['failed', 'rolled-back', 'aborted'] }),
  )
  for (const notice of [started, succeeded, failed]) told.send(notice)
  await told.close()
  expect(all.requests.map(({ headers }) => headers['x-deliver-event'])).toEqual([
    'started',
    'succeeded',
    'rolled-back',
  ])
  expect(bad.requests.map(({ headers }) => headers['x-deliver-event'])).toEqual(['rolled-back'])
  expect(warnings).toEqual([])
})

test('one that fails is a warning, and the others hear it', async () => {
  const good = await receiver()
  const broken = await receiver((response) => response.writeHead(500).end('out of order'))
  const { told, warnings } = notices(
    listener(broken.url),
    listener(good.url, { label: 'notify[1] (webhook)' }),
  )
  told.send(started)
  await told.close()
  expect(warnings).toEqual(['notify[0] (webhook): started was not told: answered 500: out of order'])
  expect(good.requests).toHaveLength(1)
})

test('what can not be opened says why', async () => {
  const open = () => Promise.reject(new Error('notify[0].webhook.url: it is not set'))
  const { told, warnings } = notices(listener('', { open }))
  told.send(started)
  told.send(succeeded)
  await told.close()
  expect(warnings).toEqual([
    'notify[0] (webhook): started was not told: notify[0].webhook.url: it is not set',
    'notify[0] (webhook): succeeded was not told: notify[0].webhook.url: it is not set',
  ])
})

describe('servers that do not answer', () => {
  const servers: { close(): void }[] = []
  afterAll(() => servers.forEach((server) => server.close()))

  /** Takes connections, and says nothing. */
  async function silence(): Promise<string> {
    const sockets: { destroy(): void }[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    servers.push({
      close: () => {
        for (const socket of sockets) socket.destroy()
        server.close()
      },
    })
    const address = server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  test('a silent one is given up after its time', async () => {
    const { told, warnings } = notices(listener(await silence(), { timeout: 50 }))
    told.send(started)
    told.send(succeeded)
    await told.close()
    expect(warnings).toEqual([
      'notify[0] (webhook): started was not told: no answer in time',
      'notify[0] (webhook): succeeded was not told: no answer in time',
    ])
  })

  test('an answer that stops half-way, too', async () => {
    const server = await receiver((response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half')
    })
    const { told, warnings } = notices(listener(server.url, { timeout: 200 }))
    told.send(started)
    await told.close()
    expect(warnings).toHaveLength(1)
  })

  test('a beginning that hangs does not keep the end from being told', async () => {
    const server = await receiver((response, { headers }) => {
      if (headers['x-deliver-event'] !== 'started') response.end()
    })
    const { told, warnings } = notices(listener(server.url, { timeout: 600_000 }))
    told.send(started)
    told.send(succeeded)
    await told.close()
    expect(server.requests.map(({ headers }) => headers['x-deliver-event'])).toEqual(['started', 'succeeded'])
    expect(warnings).toEqual(['notify[0] (webhook): started was not told: no answer in time'])
  })

  test('reading a secret counts, too', async () => {
    const { told, warnings } = notices(
      listener('', { timeout: 50, open: () => new Promise(() => undefined) }),
    )
    told.send(started)
    await told.close()
    expect(warnings).toEqual(['notify[0] (webhook): started was not told: no answer in time'])
  })
})
