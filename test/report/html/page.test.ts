import { describe, expect, test } from 'vitest'
import { pageOf } from '../../../src/report/html/page.js'
import { at, modelOf, planOf, rolledBack, type Moment } from '../story.js'

const elements = (page: string, name: string): readonly string[] =>
  [...page.matchAll(new RegExp(`<${name}\\b[^>]*>`, 'g'))].map(([element]) => element)

describe('a rollout that was rolled back', () => {
  const page = pageOf(modelOf(rolledBack)).replace(/\s+/g, ' ')

  test.each([
    ['how it ended', 'v2 failed and was rolled back'],
    ['the exit code', 'exit 5'],
    ['what to do', 'Look at it.'],
    ['why a host failed', 'not healthy'],
    ['what its service wrote', 'Error: &lt;/pre&gt;&lt;script&gt;x'],
    ['what was sent', '4.0 MB'],
    ['and as what', 'delta on v1'],
    ['what the health check said', 'not healthy: answered 500, not 200'],
    ['warnings', 'the clock is off'],
    ['the plan', 'switch, restart, settle'],
    ['the config', 'rollout.onFailure'],
  ])('tells %s', (_, text) => {
    expect(page).toContain(text)
  })

  test('the timeline has a bar for each state of each host, where and as long as it was', () => {
    const bars = [
      ...page.matchAll(/<rect class="s-(\w+)"[^>]* x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*><title>(web\d)/g),
    ]
    const of = (host: string): readonly string[] =>
      bars.flatMap(([, name = '', , , title]) => (title === host ? [name] : []))
    expect(of('web1')).toEqual(['look', 'wait', 'stage', 'wait', 'switch', 'settle', 'bad', 'back', 'back'])
    expect(of('web2')).toEqual(['look', 'wait', 'wait', 'off'])
    const places = bars.map(([, , x]) => Number(x))
    expect(Math.min(...places)).toBeGreaterThanOrEqual(150)
    const ends = bars.map(([, , x, width]) => Number(x) + Number(width))
    expect(Math.max(...ends)).toBeLessThanOrEqual(1077)
  })

  test('each element is closed', () => {
    const open: string[] = []
    const void_ = /^(meta|!doctype)$/
    for (const [, end, name = '', alone] of page.matchAll(
      /<(\/?)([a-zA-Z!][\w-]*)(?:"[^"]*"|[^">])*?(\/?)>/g,
    )) {
      if (alone === '/' || void_.test(name)) continue
      if (end === '/') expect(open.pop()).toBe(name)
      else open.push(name)
    }
    expect(open).toEqual([])
  })
})

describe('the page is alone in the world', () => {
  const page = pageOf(modelOf(rolledBack))
  test('no script, no handler, nothing loaded, and a policy that says so', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son\w+=|javascript:|https?:\/\//i)
    expect(page).toContain("content=\"default-src 'none'; style-src 'unsafe-inline'\"")
  })
})

test('whatever hosts and people write stays text', () => {
  const hostile = `"><img src=x onerror=alert(1)></style></title><script>alert(1)</script><!-- ' & \${x}`
  const moments: readonly Moment[] = [
    [0, { type: 'run-started', command: hostile, version: hostile }],
    [
      0,
      { type: 'config', app: hostile, environment: hostile, settings: [{ path: hostile, value: hostile }] },
    ],
    [0, { type: 'step-started', step: hostile, detail: hostile }],
    [1, at(hostile, 'failed', hostile)],
    [1, { type: 'output', host: hostile, of: 'service-log', stream: 'stderr', line: hostile }],
    [1, { type: 'output', stream: 'stderr', line: hostile }],
    [1, { type: 'transfer', host: hostile, release: hostile, bytes: 9, encoding: hostile, base: hostile }],
    [1, { type: 'progress', host: hostile, step: 'stage', done: 5, total: 9 }],
    [
      1,
      {
        ...{ type: 'probe', host: hostile, release: hostile, ok: false, because: hostile },
        ...{ streak: 0, successes: 1, uptime: 0, minUptime: 0 },
      },
    ],
    [1, { type: 'note', host: hostile, text: hostile }],
    [1, planOf([hostile])],
    [2, { type: 'outcome', host: hostile, outcome: 'failed', because: hostile, runs: hostile, ms: 1 }],
    [3, { type: 'result', ok: false, code: 1, text: hostile, fix: hostile }],
  ]
  const page = pageOf(modelOf(moments))
  expect(elements(page, 'script')).toEqual([])
  expect(elements(page, 'img')).toEqual([])
  expect(page).not.toContain('<!--')
  expect(elements(page, 'style')).toHaveLength(1)
  expect(page.match(/<\/title>/g)?.length).toBe(page.match(/<title>/g)?.length)
})

test('secrets pass the redaction', () => {
  const page = pageOf(
    modelOf([[0, { type: 'note', text: 'token s3cr3t' }]], (text) => text.replaceAll('s3cr3t', '***')),
  )
  expect(page).toContain('token ***')
  expect(page).not.toContain('s3cr3t')
})

test.each([
  ['nothing happened', [[0, { type: 'run-started', command: 'status', version: '1' }]]],
  [
    'only a build',
    [
      [0, { type: 'step-started', step: 'setup' }],
      [5, { type: 'step-done', step: 'setup', ms: 5 }],
    ],
  ],
  [
    'it ended in its first moment',
    [
      [0, at('web1', 'connecting')],
      [0, { type: 'result', ok: false, code: 1, text: 'no' }],
    ],
  ],
] satisfies readonly (readonly [string, readonly Moment[]])[])('a page also when %s', (_, moments) => {
  const page = pageOf(modelOf(moments))
  expect(page).not.toMatch(/NaN|undefined|Infinity/)
  expect(page).toContain('</html>')
})

test('ten thousand events make a page that a browser can open', () => {
  const moments = Array.from({ length: 10_000 }, (_, n): Moment => [
    n * 100,
    at(`web${n % 200}`, n % 3 === 0 ? 'staging' : 'settling'),
  ])
  expect(pageOf(modelOf(moments)).length).toBeLessThan(5_000_000)
})
