import { describe, expect, test } from 'vitest'
import type { DeliverEvent } from '../../../src/report/events.js'
import { frame } from '../../../src/report/live/frame.js'
import { asciiSymbols, unicodeSymbols } from '../../../src/report/live/symbols.js'
import { createPaint } from '../../../src/report/paint.js'
import { displayWidth } from '../../../src/report/width.js'
import { at, began, modelOf, planOf, rolledBack, type Moment } from '../story.js'

interface Terminal {
  readonly columns?: number
  readonly rows?: number
  readonly symbols?: typeof unicodeSymbols
}

/** What is shown after so many ms. */
function shown(moments: readonly Moment[], ms: number, terminal: Terminal = {}): readonly string[] {
  const until = moments.filter(([when]) => when <= ms)
  const { columns = 80, rows = 24, symbols = unicodeSymbols } = terminal
  return frame(modelOf(until), { now: began + ms, columns, rows, symbols, paint: createPaint(false) })
}

const probe = (streak: number, uptime: number): DeliverEvent => ({
  ...{ type: 'probe', host: 'web1', release: 'v2', ok: true, streak, successes: 3 },
  ...{ uptime, minUptime: 10_000 },
})

describe('a rollout, moment by moment', () => {
  test.each([
    ['nothing is known of hosts', 20, []],
    [
      'hosts are read',
      200,
      [
        'api → production  deploy                                                     0s',
        '2 connecting',
        '●    web1  connecting                                                        0s',
        '●    web2  connecting                                                        0s',
      ],
    ],
    [
      'the release is sent: share, bytes and speed',
      900,
      [
        'api → production  deploy v2                                                  0s',
        '1 staging · 1 ready · 1.0 MB sent',
        '●  1 web1  staging        25%  1.0 MB of 4.0 MB                              0s',
        '○  2 web2  ready         was read; nothing has been changed                  0s',
      ],
    ],
    [
      'all is sent, and the host is at work on it',
      1700,
      [
        'api → production  deploy v2                                                  1s',
        '1 staging · 1 ready · 4.0 MB sent',
        '●  1 web1  staging       4.0 MB sent; unpacking and verifying                1s',
        '○  2 web2  ready         was read; nothing has been changed                  1s',
      ],
    ],
    [
      'a batch runs: what is asked, and what the other waits for',
      4000,
      [
        'api → production  deploy v2                                                  4s',
        'batch 1 of 2 · 1 settling · 1 staged · 4.0 MB sent',
        '●  1 web1  settling      not yet: answered 500, not 200                      1s',
        '○  2 web2  staged        waits for batch 2                                   2s',
      ],
    ],
    [
      'a host failed: the reason, and below it its log',
      9050,
      [
        'api → production  deploy v2                                                  9s',
        'batch 1 of 2 · 1 failed · 1 staged · 4.0 MB sent',
        '✗  1 web1  failed        not healthy after 6 s: answered 500, not 200        8s',
        '     │ Error: </pre><script>x',
        '○  2 web2  staged        waits for batch 2                                   7s',
      ],
    ],
    [
      'it goes back, and the other is left alone',
      10_000,
      [
        'api → production  deploy v2                                                 10s',
        'batch 1 of 2 · 1 skipped · 1 rolling back · 4.0 MB sent',
        '↩  1 web1  rolling back  not healthy                                         0s',
        '-  2 web2  skipped       not switched, because web1 failed',
      ],
    ],
  ])('%s', (_, ms, lines) => {
    expect(shown(rolledBack, ms)).toEqual(lines)
  })

  test('good answers count', () => {
    const moments: readonly Moment[] = [
      [0, at('web1', 'settling')],
      [10, probe(2, 4000)],
    ]
    expect(shown(moments, 20).at(-1)).toContain('2 of 3 good answers, 4.0s of 10.0s')
  })

  test('a transfer has a bar and a speed, over the last moments', () => {
    const moments: readonly Moment[] = [
      [0, at('web1', 'staging')],
      ...Array.from({ length: 21 }, (_, n): Moment => [
        n * 250,
        { type: 'progress', host: 'web1', step: 'stage', done: n * 250_000, total: 10_000_000 },
      ]),
    ]
    expect(shown(moments, 5000, { columns: 100 }).at(-1)).toMatch(
      /staging +━{8}─{8} +50% {2}5\.0 MB of 10\.0 MB {2}1\.0 MB\/s +5s$/,
    )
  })

  test('a terminal without those characters gets others', () => {
    const lines = shown(rolledBack, 9050, { symbols: asciiSymbols }).join('\n')
    expect(lines).toMatch(/^[\x20-\x7e\n]*$/)
    expect(lines).toContain('x  1 web1  failed')
  })

  test('an upload before there are hosts', () => {
    const upload: readonly Moment[] = [
      [0, { type: 'progress', step: 'publish', done: 1_000_000, total: 4_000_000 }],
    ]
    expect(shown(upload, 10)).toEqual(['publish  ━━━━────────────  25%  1.0 MB of 4.0 MB'])
    const done: Moment = [20, { type: 'progress', step: 'publish', done: 4_000_000, total: 4_000_000 }]
    expect(shown([...upload, done], 30)).toEqual([])
  })
})

/** 200 hosts in batches of 20; the first batch is done, one host of the second failed, and the others settle. */
const names = Array.from({ length: 200 }, (_, n) => `web${n + 1}`)
const fleet: readonly Moment[] = [
  ...names.map((name): Moment => [0, at(name, 'connecting')]),
  [10, planOf(...Array.from({ length: 10 }, (_, n) => names.slice(n * 20, n * 20 + 20)))],
  ...names.map((name): Moment => [20, at(name, 'staged')]),
  [30, { type: 'batch-started', batch: 2, of: 10, hosts: names.slice(20, 40) }],
  ...names.slice(0, 20).map((name): Moment => [40, at(name, 'done')]),
  ...names.slice(20, 40).map((name): Moment => [50, at(name, 'settling')]),
  [60, at('web33', 'failed', 'no answer')],
]

describe('more hosts than lines', () => {
  test('those that failed and those at work, in their order, and how the others are', () => {
    const lines = shown(fleet, 100, { rows: 20 })
    expect(lines).toHaveLength(16)
    expect(lines[1]).toBe('batch 2 of 10 · 20 done · 1 failed · 19 settling · 160 staged')
    const hosts = lines.slice(2, -1).map((line) => /web\d+/.exec(line)?.[0] ?? '')
    expect(hosts).toContain('web33')
    expect(hosts).toEqual([...hosts].sort((a, b) => names.indexOf(a) - names.indexOf(b)))
    expect(lines.at(-1)).toBe('  and 187 more: 20 done, 7 settling, 160 staged')
  })

  test.each([
    [200, 60],
    [80, 24],
    [40, 10],
    [20, 5],
    [10, 2],
    [1, 1],
  ])('nothing is wider or higher than a terminal of %i x %i', (columns, rows) => {
    for (const moments of [fleet, rolledBack.slice(0, -3)])
      for (const ms of [5, 100, 900, 4000, 10_000]) {
        const lines = shown(moments, ms, { columns, rows })
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(10, columns - 1))
        expect(lines.length).toBeLessThanOrEqual(Math.max(3, rows - 1))
      }
  })
})

test('what hosts write is one line, without anything that a terminal would act on', () => {
  const hostile = 'a\x1b[2Jb\r\nc\x9b1Ad\u202ee'
  const lines = shown([[0, at(`we${hostile}`, 'failed', hostile)]], 10)
  // eslint-disable-next-line no-control-regex
  expect(lines.join('')).not.toMatch(/[\x00-\x1f\x80-\x9f\u202e]/)
})

test('names that take two columns each keep the columns in line', () => {
  const lines = shown(
    [
      [0, at('東京', 'staged')],
      [0, at('web1', 'staged')],
    ],
    10,
  ).slice(2)
  const before = lines.map((line) => displayWidth(line.slice(0, line.indexOf('staged'))))
  expect(new Set(before).size).toBe(1)
})
