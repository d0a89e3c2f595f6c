import { describe, expect, test } from 'vitest'
import { marksFrom, marksOfCommit, versionOfPackage } from '../../src/build/marks.js'
import type { Commit } from '../../src/ports.js'

const commit = (message: string): Commit => ({
  id: 'c'.repeat(40),
  tree: 't'.repeat(40),
  parents: [],
  author: { name: 'a', email: 'a@b' },
  time: 0,
  subject: message.split('\n')[0] ?? '',
  message,
})

describe('trailers of the commit', () => {
  test.each([
    ['Deliver-Confirm: drops a table', { confirm: 'drops a table' }],
    ['deliver-oldest-rollback:v1.2\nSigned-off-by: a <a@b>', { oldestRollback: 'v1.2' }],
    ['Deliver-Confirm: x\nDeliver-Oldest-Rollback: v1\n', { confirm: 'x', oldestRollback: 'v1' }],
    ['Signed-off-by: a <a@b>', {}],
    ['Deliver-Confirm: x\n\nMore text', {}],
  ])('%j', (text, marks) => {
    expect(marksOfCommit(commit(`Change the table\n\nBecause.\n\n${text}`))).toEqual(marks)
  })

  test('a subject is no trailer', () => {
    expect(marksOfCommit(commit('Deliver-Confirm: x\n'))).toEqual({})
  })

  test.each(['--upload-pack=x', 'a b', '../v1', ''])('%j is no release to go back to', (name) => {
    const message = `Change\n\nDeliver-Oldest-Rollback: ${name}`
    expect(() => marksOfCommit(commit(message))).toThrow(
      'commit cccccccccccc: trailer Deliver-Oldest-Rollback',
    )
  })
})

test('a reason is one line, without controls, of bounded length', () => {
  const names = { confirm: '--confirm', oldestRollback: '--oldest-rollback' }
  const marks = marksFrom({ confirm: ` a\n\u001b[2Jb${'c'.repeat(1000)}`, oldestRollback: undefined }, names)
  expect(marks.confirm).toMatch(/^a \[2Jbc+$/)
  expect(marks.confirm?.length).toBe(500)
  expect(() => marksFrom({ confirm: ' ', oldestRollback: undefined }, names)).toThrow('--confirm: no reason')
})

test.each([
  ['{"version":"2.0.1-rc.1"}', '2.0.1-rc.1'],
  ['{"version":"next"}', undefined],
  ['{"version":2}', undefined],
  ['{}', undefined],
  ['', undefined],
  ['null', undefined],
])('the version in %j is %s', (text, version) => {
  expect(versionOfPackage(Buffer.from(text))).toBe(version)
})
