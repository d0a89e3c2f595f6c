import { expect, test } from 'vitest'
import { CrashLoop } from '../../../src/execute/health/crash-loop.js'
import type { ServiceFacts } from '../../../src/remote/facts.js'

/** A look each second. */
function verdict(looks: readonly ServiceFacts[]): string | undefined {
  const crashes = new CrashLoop()
  looks.forEach((facts, second) => crashes.look(second * 1_000, facts))
  return crashes.verdict((looks.length - 1) * 1_000)
}

const counted = (...counts: readonly number[]) => counts.map((restarts) => ({ restarts }))
const pids = (...numbers: readonly number[]) => numbers.map((pid) => ({ pid, started: '1' }))

test.each<[string, readonly ServiceFacts[], string | undefined]>([
  ['nothing is known', [{}, {}, {}, {}, {}], undefined],
  ['nothing happens', counted(0, 0, 0, 0, 0), undefined],
  ['it needed two tries', counted(0, 1, 2, 2, 2), undefined],
  ['it is restarted again and again', counted(0, 1, 2, 2, 3), 'crash loop: restarted 3 times in 4 s'],
  ['it was restarted before we came', counted(7, 7, 8), undefined],
  ['it was counted anew', counted(7, 0, 1), undefined],
  ['another process at each look', pids(1, 2, 3, 4), 'crash loop: restarted 3 times in 3 s'],
  ['nothing between processes', [{ pid: 1 }, {}, { pid: 1 }, {}, { pid: 1 }], undefined],
  [
    'the same number for other processes',
    ['a', 'b', 'c', 'd'].map((started) => ({ pid: 1, started })),
    'crash loop: restarted 3 times in 3 s',
  ],
])('%s', (_, looks, expected) => {
  expect(verdict(looks)).toBe(expected)
})
