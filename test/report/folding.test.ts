import { describe, expect, test } from 'vitest'
import type { DeliverEvent } from '../../src/report/events.js'
import { createReporter } from '../../src/report/reporter.js'
import { Collected } from './collected.js'

async function printed(env: NodeJS.ProcessEnv, events: readonly DeliverEvent[]): Promise<readonly string[]> {
  const stdout = new Collected()
  const reporter = await createReporter({
    ...{ mode: 'text', stdout, stderr: stdout, colour: false, verbose: false, quiet: false, env },
    now: () => 12 * 3_600_000,
  })
  for (const event of events) reporter.event(event)
  await reporter.close()
  return stdout.text.trimEnd().split('\n')
}

const run: readonly DeliverEvent[] = [
  { type: 'step-started', step: 'setup', detail: 'npm ci' },
  { type: 'output', stream: 'stdout', line: 'added 12 packages' },
  { type: 'step-done', step: 'setup', ms: 1000 },
  { type: 'batch-started', batch: 1, of: 1, hosts: ['web1'] },
  { type: 'host-state', host: 'web1', state: 'failed', detail: 'no answer' },
  { type: 'batch-done', batch: 1, of: 1, ms: 1000 },
  { type: 'result', ok: false, code: 5, text: 'rolled back' },
]

test('GitHub: a group for each step and batch, and a failure in none', async () => {
  expect(await printed({ GITHUB_ACTIONS: 'true' }, run)).toEqual([
    '::group::setup: npm ci',
    '12:00:00Z  setup: npm ci',
    '12:00:00Z  | added 12 packages',
    '12:00:00Z  setup done in 1.0s',
    '::endgroup::',
    '::group::batch 1 of 1: web1',
    '12:00:00Z  batch 1 of 1: web1',
    '::endgroup::',
    '12:00:00Z  web1  failed: no answer',
    '12:00:00Z  batch 1 of 1 done in 1.0s',
    'rolled back',
  ])
})

test('GitLab: sections, each closed before the next', async () => {
  const lines = await printed({ GITLAB_CI: 'true' }, run)
  expect(lines[0]).toBe('\x1b[0Ksection_start:43200:deliver\r\x1b[0Ksetup: npm ci')
  const marks = lines.flatMap((line) => /section_(start|end)/.exec(line)?.[1] ?? [])
  expect(marks).toEqual(['start', 'end', 'start', 'end'])
})

test('a step that never ended is closed by the result', async () => {
  const lines = await printed({ GITHUB_ACTIONS: 'true' }, [
    { type: 'step-started', step: 'setup' },
    { type: 'result', ok: false, code: 1, text: 'no' },
  ])
  expect(lines.slice(-2)).toEqual(['::endgroup::', 'no'])
})

test('elsewhere: none', async () => {
  expect((await printed({}, run)).join('\n')).not.toMatch(/group|section/)
})

describe('nothing that a host or a build writes is a command to the CI system', () => {
  const hostile = '::add-mask::x ##[error]y'
  const events: readonly DeliverEvent[] = [
    { type: 'output', stream: 'stdout', line: hostile },
    { type: 'table', title: hostile, columns: ['a'], rows: [[{ text: hostile }]] },
    { type: 'result', ok: false, code: 1, text: `${hostile}\n  ${hostile}`, fix: hostile },
  ]
  test('GitHub', async () => {
    const lines = await printed({ GITHUB_ACTIONS: 'true' }, events)
    expect(lines).toHaveLength(7)
    for (const line of lines) expect(line).not.toMatch(/^\s*::|##\[/)
  })
  test('GitLab: sections are escape sequences, and those are gone', async () => {
    const forged: DeliverEvent = { type: 'note', text: '\x1b[0Ksection_end:1:deliver\r\x1b[0K' }
    // eslint-disable-next-line no-control-regex
    expect((await printed({ GITLAB_CI: 'true' }, [forged])).join('')).not.toMatch(/[\x1b\r]/)
  })
})
