import { expect, it } from 'vitest'
import { newStamp, stamped, unstamped } from '../../../src/adapters/s3/stamp.js'

it('makes equal texts differ, and readers of JSON see nothing of it', () => {
  const text = '{"release":"v1"}\n'
  const bodies = Array.from({ length: 100 }, () => stamped(text, newStamp()))
  expect(new Set(bodies).size).toBe(100)
  for (const body of bodies) {
    expect(JSON.parse(body)).toEqual({ release: 'v1' })
    expect(unstamped(body).text).toBe(text)
  }
})

it('gives back text and stamp, also of texts that end like one', () => {
  const stamp = newStamp()
  for (const text of ['x', 'x\n', '\n', `x\n${newStamp()}\n`, ' '.repeat(200)])
    expect(unstamped(stamped(text, stamp))).toEqual({ text, stamp })
})

it('leaves alone what somebody else wrote', () => {
  for (const body of ['', '{}', '{}\n', `{}\n${' '.repeat(63)}\n`, `{}\n${' '.repeat(64)}`])
    expect(unstamped(body)).toEqual({ text: body, stamp: undefined })
})
