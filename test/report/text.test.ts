import { describe, expect, test } from 'vitest'
import type { DeliverEvent } from '../../src/report/events.js'
import { createReporter } from '../../src/report/reporter.js'
import type { ReporterOptions } from '../../src/report/reporter.js'
import { Collected } from './collected.js'

/** What the events print, at noon unless they say otherwise. */
async function printed(events: readonly DeliverEvent[], options: Partial<ReporterOptions> = {}) {
  const [stdout, stderr] = [new Collected(), new Collected()]
  const reporter = await createReporter({
    ...{ mode: 'plain', stdout, stderr, colour: false, verbose: false, quiet: false },
    now: () => 12 * 3_600_000,
    ...options,
  })
  for (const event of events) reporter.event(event)
  await reporter.close()
  return { stdout: stdout.text, stderr: stderr.text }
}

const everything: readonly DeliverEvent[] = [
  { type: 'step-started', step: 'rollout', detail: 'api-1' },
  { type: 'host-state', host: 'web1', state: 'connecting' },
  { type: 'host-state', host: 'web1', state: 'staged' },
  { type: 'batch-started', batch: 1, of: 2, hosts: ['web1', 'web2'] },
  { type: 'host-state', host: 'web1', state: 'failed', detail: 'no answer' },
  { type: 'output', host: 'web1', stream: 'stderr', line: 'Error: port in use' },
  { type: 'output', stream: 'stdout', line: 'compiling' },
  { type: 'note', text: 'two\nlines' },
  { type: 'warning', host: 'web2', text: 'slow clock' },
  { type: 'batch-done', batch: 1, of: 2, ms: 1500 },
  { type: 'step-done', step: 'rollout', ms: 61_000 },
  {
    type: 'table',
    title: 'Hosts',
    columns: ['host', 'release'],
    rows: [[{ text: 'web1' }, { text: 'api-1', tone: 'good' }]],
  },
  { type: 'result', ok: false, code: 1, text: 'nothing switched', fix: 'Free the port.' },
]

test('a deploy in plain text', async () => {
  expect(await printed(everything)).toEqual({
    stdout: [
      '12:00:00Z  rollout: api-1',
      '12:00:00Z  web1  staged',
      '12:00:00Z  batch 1 of 2: web1, web2',
      '12:00:00Z  web1  failed: no answer',
      '12:00:00Z  web1  | Error: port in use',
      '12:00:00Z  | compiling',
      '12:00:00Z  two',
      '12:00:00Z  lines',
      '12:00:00Z  batch 1 of 2 done in 1.5s',
      '12:00:00Z  rollout done in 1m01s',
      'Hosts',
      'HOST  RELEASE',
      'web1  api-1',
      '',
    ].join('\n'),
    stderr: '12:00:00Z  web2  warning: slow clock\nnothing switched\nFree the port.\n',
  })
})

test('quiet leaves what changed or went wrong', async () => {
  const { stdout, stderr } = await printed(everything, { quiet: true })
  expect(stdout.split('\n').slice(0, 2)).toEqual([
    '12:00:00Z  web1  failed: no answer',
    '12:00:00Z  web1  | Error: port in use',
  ])
  expect(stdout).not.toMatch(/compiling|staged|batch/)
  expect(stderr).toContain('Free the port.')
})

test('verbose shows states that pass', async () => {
  expect((await printed(everything, { verbose: true })).stdout).toContain('web1  connecting')
})

test('verbose shows what the health check said, too', async () => {
  const probe: DeliverEvent = {
    ...{ type: 'probe', host: 'web1', release: 'v2', streak: 0, successes: 3, uptime: 0, minUptime: 0 },
    ...{ ok: false, because: 'answered 500' },
  }
  expect((await printed([probe])).stdout).toBe('')
  expect((await printed([probe], { verbose: true })).stdout).toContain('web1  not healthy: answered 500')
})

test('a state that is told twice is one line', async () => {
  const failed: DeliverEvent = { type: 'host-state', host: 'web1', state: 'failed', detail: 'no' }
  expect((await printed([failed, failed])).stdout).toBe('12:00:00Z  web1  failed: no\n')
})

describe('compact', () => {
  const build: readonly DeliverEvent[] = [
    { type: 'step-started', step: 'setup' },
    { type: 'output', stream: 'stdout', line: 'compiling' },
    { type: 'output', host: 'web1', of: 'service-log', stream: 'stderr', line: 'Error: port in use' },
  ]
  test('leaves out what a build writes, and never the log of a service', async () => {
    const done: DeliverEvent = { type: 'result', ok: true, code: 0, text: 'done' }
    const { stdout } = await printed([...build, done], { compact: true })
    expect(stdout).not.toContain('compiling')
    expect(stdout).toContain('port in use')
  })

  test('until it fails', async () => {
    const failed: DeliverEvent = { type: 'result', ok: false, code: 1, text: 'setup failed' }
    expect((await printed([...build, failed], { compact: true })).stdout).toContain('| compiling')
  })

  test('what a step wrote that went well is of no use later', async () => {
    const rest: readonly DeliverEvent[] = [
      { type: 'step-done', step: 'setup', ms: 1 },
      { type: 'result', ok: false, code: 1, text: 'another thing failed' },
    ]
    expect((await printed([...build, ...rest], { compact: true })).stdout).not.toContain('compiling')
  })
})

test('debug shows every event', async () => {
  const sent: DeliverEvent = { type: 'transfer', host: 'web1', release: 'v2', bytes: 1, encoding: 'zstd' }
  expect((await printed([sent])).stdout).toBe('')
  expect((await printed([sent], { debug: true })).stdout).toContain('"encoding":"zstd"')
})

test('colour only where it is wanted', async () => {
  const events: readonly DeliverEvent[] = [{ type: 'result', ok: true, code: 0, text: 'done' }]
  expect((await printed(events, { mode: 'text', colour: true })).stdout).toBe('\x1b[32mdone\x1b[39m\n')
  expect((await printed(events, { mode: 'text', colour: false })).stdout).toBe('done\n')
  expect((await printed(events, { mode: 'plain', colour: true })).stdout).toBe('done\n')
})

test('hosts and children cannot move the cursor or forge lines', async () => {
  const hostile = 'a\x1b[2J\x1b]0;title\x07b\rdone\x9b1A\u202ec'
  const { stdout } = await printed([
    { type: 'output', host: 'we\nb', stream: 'stdout', line: hostile },
    { type: 'table', columns: ['x'], rows: [[{ text: 'a\nb' }]] },
  ])
  expect(stdout).toBe('12:00:00Z  we\\nb  | ab\\rdone\\u{202e}c\nX\na\\nb\n')
})

test('every text passes the redaction, in text and in JSON', async () => {
  const secret = 's3cr3t'
  const events: readonly DeliverEvent[] = [
    { type: 'step-started', step: secret, detail: secret },
    { type: 'step-done', step: secret, detail: secret, ms: 1 },
    { type: 'note', host: secret, text: secret },
    { type: 'warning', host: secret, text: secret },
    { type: 'output', host: secret, stream: 'stderr', line: secret },
    { type: 'host-state', host: secret, state: 'failed', detail: secret },
    { type: 'batch-started', batch: 1, of: 1, hosts: [secret] },
    { type: 'table', title: secret, columns: ['a'], rows: [[{ text: secret }]] },
    { type: 'result', ok: false, code: 1, text: secret, fix: secret, data: { deep: [secret] } },
  ]
  const redact = (text: string) => text.replaceAll(secret, '***')
  for (const mode of ['plain', 'json'] as const) {
    const { stdout, stderr } = await printed(events, { mode, redact })
    expect(stdout).toContain('***')
    expect(stdout + stderr).not.toContain(secret)
  }
})

describe('progress', () => {
  test('a long transfer prints every few seconds and at its end, a short one nothing', async () => {
    let time = 0
    const stdout = new Collected()
    const reporter = await createReporter({
      ...{ mode: 'plain', stdout, stderr: new Collected(), colour: false, verbose: false, quiet: false },
      now: () => time,
    })
    for (let done = 0; done <= 1000; done++) {
      reporter.event({ type: 'progress', host: 'web1', step: 'stage', done, total: 1000 })
      time += 10
    }
    for (const done of [0, 50, 100])
      reporter.event({ type: 'progress', host: 'web2', step: 'stage', done, total: 100 })
    await reporter.close()
    expect(stdout.text.split('\n')).toEqual([
      '00:00:03Z  web1  stage 30%',
      '00:00:06Z  web1  stage 60%',
      '00:00:09Z  web1  stage 90%',
      '00:00:10Z  web1  stage 100%',
      '',
    ])
  })
})

describe('JSON', () => {
  test('one versioned event per line', async () => {
    const { stdout, stderr } = await printed(everything, { mode: 'json' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      everything.map((event) => ({ v: 1, time: '1970-01-01T12:00:00.000Z', ...event })),
    )
    expect(stderr).toBe('')
  })

  test('a result is told even when its data cannot be', async () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    const { stdout } = await printed([{ type: 'result', ok: true, code: 0, text: 'done', data: cyclic }], {
      mode: 'json',
    })
    expect(JSON.parse(stdout)).toMatchObject({ type: 'result', code: 0, text: 'done' })
  })

  test('no raw control characters', async () => {
    const { stdout } = await printed([{ type: 'note', text: '\x1b[2J\x9b\u2028\u202e' }], { mode: 'json' })
    expect(stdout.trimEnd()).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(stdout)).toMatchObject({ text: '\x1b[2J\x9b\u2028\u202e' })
  })
})
