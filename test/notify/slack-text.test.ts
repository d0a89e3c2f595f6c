import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escaped, slackText } from '../../src/notify/slack-text.js'
import { failed, started } from './examples.js'
import { cases } from '../cases.js'

test('the beginning: what goes where, from what, and who did it', () => {
  expect(slackText(started)).toBe(
    [
      '▶ *api* → *production*: deploy `v42` *started* (was `v41`)',
      'by alice@ci, <https://ci.example.com/job/42|deploy-api #42>',
    ].join('\n'),
  )
})

test('a bad end: what became of it, where and why, and how long it took', () => {
  expect(slackText({ ...failed, fix: 'Look at the log.' })).toBe(
    [
      '↩ *api* → *production*: deploy `v42` *rolled-back* (was `v41`)',
      'v42 failed and was rolled back; every host runs what it ran before',
      '• `web1` rolled-back: answered 500, not 200',
      'Look at the log.',
      'by alice@ci, <https://ci.example.com/job/42|deploy-api #42> · 1m30s',
    ].join('\n'),
  )
})

test('a rollback whose release is not known yet', () => {
  const { release, job, jobUrl, ...rest } = started
  expect([release, job, jobUrl]).toBeDefined()
  expect(slackText({ ...rest, command: 'rollback' })).toBe(
    '▶ *api* → *production*: rollback to last good releases *started* (was `v41`)\nby alice@ci',
  )
})

describe('nothing that came from outside steers Slack', () => {
  test.each([
    ['<!channel>', '&lt;!channel&gt;'],
    ['<@U1> & <https://evil.example|login>', '&lt;@U1&gt; &amp; &lt;https://evil.example|login&gt;'],
    ['&lt;!here&gt;', '&amp;lt;!here&amp;gt;'],
  ])('%s', (text, safe) => {
    expect(escaped(text)).toBe(safe)
  })

  test('a branch, a job and a reason that are hostile', () => {
    const text = slackText({
      ...failed,
      release: '`<!channel>`',
      job: 'x|y> <!here>',
      jobUrl: 'https://ci.example.com/a|b>c?d=1&e=<2',
      by: '<!everyone>',
      hosts: [{ host: 'web1', outcome: 'failed', because: '<!subteam^S1>' }],
    })
    expect(text).toContain("`'&lt;!channel&gt;'`")
    expect(text).toContain('<https://ci.example.com/a%7Cb%3Ec?d=1&amp;e=%3C2|x¦y&gt; &lt;!here&gt;>')
    expect(text.match(/</g)).toHaveLength(1)
  })

  test('any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escaped(text)).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/)
      }),
      { numRuns: cases(50) },
    )
  })
})

test('two hundred hosts and an endless reason stay a message', () => {
  const hosts = Array.from({ length: 200 }, (_, index) => ({
    host: `web${index}`,
    outcome: 'failed',
    because: '<'.repeat(5000),
  }))
  const text = slackText({ ...failed, hosts })
  expect(text).toContain('• and 190 more')
  expect(text.length).toBeLessThan(40_000)
})
