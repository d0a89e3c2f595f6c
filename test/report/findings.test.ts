import { expect, test } from 'vitest'
import type { ReportedFinding } from '../../src/report/events.js'
import { layOutFindings, type FindingsStyle } from '../../src/report/findings.js'

const plain: FindingsStyle = { quiet: false, paint: (text) => text, redact: (text) => text }
const findings: readonly ReportedFinding[] = [
  { level: 'ok', area: 'config', text: 'valid' },
  { level: 'ok', area: 'host', host: 'web1', text: 'clock' },
  {
    level: 'problem',
    area: 'host',
    host: 'web1',
    text: 'no right to restart',
    fix: 'Add a line with visudo.',
  },
  { level: 'ok', area: 'host', host: 'web1', text: '5 GB free' },
  { level: 'warning', area: 'host', host: 'i-0123', text: 'odd' },
]

test('what is well in a place is one line, before what is not; what to do stands below', () => {
  expect(layOutFindings(findings, plain)).toEqual([
    'ok       config  valid',
    'ok       web1    clock; 5 GB free',
    'problem  web1    no right to restart',
    '                 Add a line with visudo.',
    'warning  i-0123  odd',
  ])
})

test('lines of what to do stay lines, so that each can be copied; a finding is one line', () => {
  const fix = 'add this line:\nweb1 ssh-ed25519 AAAA\n(or not)'
  const finding: ReportedFinding = { level: 'problem', area: 'fleet', text: 'a\nb', fix }
  expect(layOutFindings([finding], plain)).toEqual([
    'problem  fleet  a\\nb',
    '                add this line:',
    '                web1 ssh-ed25519 AAAA',
    '                (or not)',
  ])
})

test('quiet leaves out what is well', () => {
  expect(layOutFindings(findings, { ...plain, quiet: true }).join()).not.toContain('ok')
})

test('lines are broken at blanks to fit a terminal; a word that must be copied stays whole', () => {
  const text = `it belongs to somebody else: ${'/srv/api/releases'.repeat(4)} is not ours`
  const lines = layOutFindings([{ level: 'problem', area: 'host', host: 'web1', text }], {
    ...plain,
    width: 50,
  })
  expect(lines.map((line) => line.trim().length <= 50 || line.includes('/srv/api'))).not.toContain(false)
  expect(lines.join(' ')).toContain('/srv/api/releases'.repeat(4))
  expect(layOutFindings([{ level: 'ok', area: 'a', text: 'x y z' }], { ...plain, width: 10 })).toHaveLength(1)
})

test('what hosts told acts on no terminal, and secrets are taken out', () => {
  const hostile = [
    {
      level: 'problem' as const,
      area: 'host',
      host: 'web\u001b[31m1',
      text: 'key hunter2\u0007\n',
      fix: 'x\u001b]0;t\u0007y',
    },
  ]
  const text = layOutFindings(hostile, {
    ...plain,
    redact: (each) => each.replaceAll('hunter2', '***'),
  }).join('\n')
  expect(text).toContain('key ***')
  // eslint-disable-next-line no-control-regex -- what must not be there
  expect(text).not.toMatch(/[\u001b\u0007]|hunter2/)
})

test('nothing found is nothing shown', () => {
  expect(layOutFindings([], plain)).toEqual([])
})
