import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnswerReader, type Answer } from '../../src/remote/answers.js'

const nonce = '0123456789abcdef'

function read(stdout: string | Buffer, { stderr = '', cut = 0 } = {}): Answer {
  const reader = new AnswerReader(nonce)
  const bytes = Buffer.from(stdout)
  const step = cut === 0 ? bytes.length || 1 : cut
  for (let from = 0; from < bytes.length; from += step) reader.stdout(bytes.subarray(from, from + step))
  reader.stderr(Buffer.from(stderr))
  return reader.finish('the line was cut')
}

const end = `@${nonce} end 0 done\n`

test.each([0, 1, 7])('facts, noise and the end line, in chunks of %i bytes', (cut) => {
  const answer = read(`Welcome to web1!\r\n@${nonce} path /srv/a b\n@${nonce} empty\nnoise\n${end}`, {
    cut,
    stderr: 'oops\n',
  })
  expect(answer).toEqual({
    kind: 'answer',
    code: 0,
    text: 'done',
    facts: [
      ['path', '/srv/a b'],
      ['empty', ''],
    ],
    log: 'Welcome to web1!\nnoise\noops',
  })
})

describe('is unknown', () => {
  test.each([
    ['without an end line', `@${nonce} path /srv\n`],
    ['with nothing at all', ''],
    ['with the end line of another call', `@fedcba9876543210 end 0 done\n`],
    ['with an end line that is only begun', `@${nonce} end`],
    ['with a code that is no number', `@${nonce} end zero done\n`],
    ['with an end line in the middle of another', `x @${nonce} end 0 done\n`],
  ])('%s', (_, stdout) => {
    expect(read(stdout)).toMatchObject({ kind: 'unknown', because: 'the line was cut' })
  })

  test('with an end line on stderr', () => {
    expect(read('', { stderr: end }).kind).toBe('unknown')
  })

  test('with a flood of facts', () => {
    expect(read(`@${nonce} x ${'y'.repeat(1000)}\n`.repeat(9000) + end)).toMatchObject({ kind: 'unknown' })
  })
})

test('nothing counts after the end line', () => {
  expect(read(`${end}@${nonce} path /evil\n@${nonce} end 20 failed\n`)).toMatchObject({ code: 0, facts: [] })
})

test('a line without end keeps 64 KiB, a flood of lines its head and tail', () => {
  const long = read(`${'x'.repeat(10_000_000)}\n${end}`)
  expect(long).toMatchObject({ kind: 'answer', code: 0 })
  expect(long.log.length).toBeLessThanOrEqual(64 * 1024)
  const lines = read(Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`).join('') + end)
  expect(lines.log.length).toBeLessThan(70 * 1024)
  expect(lines.log.startsWith('line 0\n')).toBe(true)
  expect(lines.log.endsWith('line 99999')).toBe(true)
  expect(lines.log).toMatch(/… \d+ lines left out …/)
})

test('what a host sends can not steer a terminal', () => {
  const { log } = read(`\u001b[2J\u001b]0;title\u0007red \u001b[31mtext\u0008\u202e\n${end}`)
  expect(log).toBe('red text\ufffd\ufffd')
})

test('any bytes are read without a crash, and nothing but our end line is an answer', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
      const reader = new AnswerReader(nonce)
      for (const chunk of chunks) reader.stdout(Buffer.from(chunk))
      expect(reader.finish('cut').kind).toBe('unknown')
    }),
  )
})
